"""A network's weights are found in whatever wraps them; detectors and parsers are loaded from it."""

import pytest
import torch

from gpen_core.errors import CheckpointError
from gpen_core.faces.detectors.retinaface import build_network, load_retinaface
from gpen_core.faces.parsing import load_parser
from gpen_core.weights.wrapped import check_numbers, state_with


def under(prefix, state):
    return {f"{prefix}{key}": value for key, value in state.items()}


WRAPPINGS = {
    "as they are": lambda s: s,
    "other things beside them": lambda s: {**s, "epoch": 3, "optimizer": {"lr": 0.1}},
    "in a table": lambda s: {"params_ema": s, "step": torch.tensor(3)},
    "in tables, under longer names": lambda s: {
        "a": {"state_dict": under("net.module.", s)},
        "d": {"x": torch.ones(1)},
    },
    "beside another network": lambda s: under("detector.", s) | under("other.", {"w": torch.ones(2)}),
    "counters beside them": lambda s: {**s, "step": torch.tensor(3), "n_averaged": torch.tensor([7])},
    "the average beside the raw ones": lambda s: {"net": raw(s), "net_ema": s},
    "the average in the names": lambda s: under("model.", raw(s)) | under("model_ema.", s),
    "the average within the raw ones' table": lambda s: raw(s) | under("ema.", s),
    "in a list": lambda s: {"epoch": 3, "models": [{"lr": 0.1}, s]},
    "an optimizer's moments first": lambda s: {"optim": {"exp_avg": raw(s)}, "model": s},
    "twice the same": lambda s: {"last": s, "best": {key: value.clone() for key, value in s.items()}},
    "compiled in parts": lambda s: {key.replace(".", "._orig_mod.", 1): value for key, value in s.items()},
    "an average that follows it online": lambda s: {"ema": under("online_model.", raw(s)) | under("ema_model.", s)},
    "Lightning's average": lambda s: {"state_dict": under("net.", s), "current_model_state": under("net.", raw(s))},
    "the average after a hyphen": lambda s: {"params": raw(s), "params-ema": s},
    "a broken one first": lambda s: {"last": dict(list(raw(s).items())[:-1]), "best": s},
}


def raw(state):
    return {key: value + 1 for key, value in state.items()}


@pytest.mark.parametrize("kind", WRAPPINGS)
def test_weights_are_found_under_their_own_names(kind):
    state = {"body.first.weight": torch.ones(2), "head.bias": torch.zeros(3)}
    found = state_with(WRAPPINGS[kind](state), ("nothing.like.it", "body.first.weight"), "m.pth")
    assert found.keys() == state.keys() and all(torch.equal(found[key], state[key]) for key in state)


def test_a_part_of_a_name_is_no_name():
    assert state_with({"somebody.first.weight": torch.ones(2)}, ("body.first.weight",), "m.pth") is None
    circle = {}
    circle["again"] = circle
    assert state_with(circle, ("a",), "m.pth") is None


def test_more_networks_than_anybody_saves_in_one_file_are_not_compared():
    content = {f"{number}.body.first.weight": torch.ones(2) for number in range(65)}
    with pytest.raises(CheckpointError, match="holds more than 64 networks"):
        state_with(content, ("body.first.weight",), "m.pth")


def test_two_different_networks_are_named_and_none_of_them_is_taken():
    state = {"body.first.weight": torch.ones(2), "head.bias": torch.zeros(3)}
    for content in (
        {"teacher": state, "student": raw(state)},
        {"teacher": state, "student": {"cp.first.weight": torch.ones(9)}},
    ):
        with pytest.raises(
            CheckpointError, match=r"m\.pth: holds 2 different networks: 'teacher', 'student'\. Save the one"
        ):
            state_with(content, ("body.first.weight", "cp.first.weight"), "m.pth")


def test_an_average_without_its_layers_counters_is_as_whole_as_the_raw_weights():
    raw_ones = {"body.first.weight": torch.zeros(2), "body.norm.num_batches_tracked": torch.tensor(9)}
    content = {"model": raw_ones, "model_ema": {"body.first.weight": torch.ones(2)}}
    assert state_with(content, ("body.first.weight",), "m.pth")["body.first.weight"].tolist() == [1, 1]


def test_weights_that_are_no_numbers_are_named():
    with pytest.raises(CheckpointError, match=r"m\.pth: 'b' holds NaN"):
        check_numbers({"a": torch.ones(2), "n": torch.tensor(3), "b": torch.tensor([1.0, torch.inf])}, "m.pth")


@pytest.fixture(scope="module")
def detector_state():
    pytest.importorskip("facexlib", reason="RetinaFace's network is facexlib's")
    torch.manual_seed(0)
    return build_network("mobile0.25").state_dict()


@pytest.mark.parametrize("kind", WRAPPINGS)
def test_a_detector_is_loaded_from_any_of_them(detector_state, tmp_path, kind):
    torch.save(WRAPPINGS[kind](detector_state), tmp_path / "d.pth")
    assert load_retinaface(tmp_path / "d.pth").name == "retinaface_mobile0.25"


def test_a_detector_of_nan_is_refused_instead_of_finding_nobody(detector_state, tmp_path):
    torch.save({**detector_state, "fpn.output1.0.weight": torch.full((64, 16, 1, 1), torch.nan)}, tmp_path / "d.pth")
    with pytest.raises(CheckpointError, match=r"'fpn\.output1\.0\.weight' holds NaN"):
        load_retinaface(tmp_path / "d.pth")


@pytest.mark.parametrize("kind", ["in a table", "in tables, under longer names", "other things beside them"])
def test_a_parser_is_loaded_from_any_of_them(tmp_path, kind):
    bisenet = pytest.importorskip("facexlib.parsing.bisenet", reason="the parsers' networks are facexlib's")
    torch.save(WRAPPINGS[kind](bisenet.BiSeNet(num_class=19).state_dict()), tmp_path / "p.pth")
    assert load_parser(tmp_path / "p.pth").name == "bisenet"


def test_what_is_no_parser_is_said_in_a_sentence(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "p.pth")
    with pytest.raises(
        CheckpointError, match=r"p\.pth: not facexlib's ParseNet or BiSeNet\. Use parsing_parsenet\.pth"
    ):
        load_parser(tmp_path / "p.pth")


def test_detectors_and_parsers_that_are_damaged_are_named_with_their_address(tmp_path):
    for name, load in (("detection_Resnet50_Final.pth", load_retinaface), ("parsing_parsenet.pth", load_parser)):
        (tmp_path / name).write_bytes(b"PK\x03\x04" + bytes(300))
        with pytest.raises(CheckpointError, match=rf"The published file is at https://\S+/{name}$"):
            load(tmp_path / name)

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
}


@pytest.mark.parametrize("kind", WRAPPINGS)
def test_weights_are_found_under_their_own_names(kind):
    state = {"body.first.weight": torch.ones(2), "head.bias": torch.zeros(3)}
    found = state_with(WRAPPINGS[kind](state), ("nothing.like.it", "body.first.weight"))
    assert found.keys() == state.keys() and all(torch.equal(found[key], state[key]) for key in state)


def test_a_part_of_a_name_is_no_name():
    assert state_with({"somebody.first.weight": torch.ones(2)}, ("body.first.weight",)) is None
    circle = {}
    circle["again"] = circle
    assert state_with(circle, ("a",)) is None


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

"""RetinaFace: against facexlib's own call, and what its loader accepts."""

import numpy as np
import pytest
import torch

from gpen_core.errors import CheckpointError, MissingWeightsError
from gpen_core.faces.detectors import load_retinaface
from gpen_core.faces.detectors.folding import fold_batch_norms
from gpen_core.faces.detectors.retinaface import build_network, decode_boxes, decode_landmarks, prior_boxes

pytest.importorskip("facexlib", reason="RetinaFace's layers come from facexlib, which is not installed")

MOBILE = "detection_mobilenet0.25_Final.pth"


@pytest.fixture(scope="module")
def mobile(shared_weights):
    return load_retinaface(shared_weights / MOBILE)


@pytest.fixture(scope="module")
def theirs(shared_weights):
    """facexlib's network with the same weights, as facexlib makes it."""
    network = build_network("mobile0.25").eval()
    state = torch.load(shared_weights / MOBILE, map_location="cpu", weights_only=True)
    network.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    return build_network("mobile0.25")


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    """RGB bytes [H, W, 3] of sizes that are and are not multiples of the steps."""
    astronaut = pytest.importorskip("skimage.data").astronaut()
    return {"one face": astronaut, "odd size": astronaut[3:350, 11:412], "two faces": np.hstack([astronaut, astronaut])}


@pytest.mark.parametrize("picture", ["one face", "odd size", "two faces"])
def test_results_equal_those_of_facexlib(mobile, theirs, pictures, picture):
    rgb = pictures[picture]
    expected = theirs.detect_faces(np.ascontiguousarray(rgb[..., ::-1]), conf_threshold=0.3)
    mine = mobile.find(torch.from_numpy(rgb.copy()).permute(2, 0, 1).float() / 255, 0.3)
    rows = torch.cat((mine.boxes, mine.scores[:, None], mine.landmarks.flatten(1)), dim=1).numpy()
    assert len(rows) == len(expected) > 0
    rows, expected = rows[rows[:, 0].argsort()], expected[expected[:, 0].argsort()]  # equal scores have no order
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-2)
    np.testing.assert_allclose(rows[:, 4], expected[:, 4], rtol=0, atol=1e-4)


@pytest.mark.parametrize("picture", ["one face", "odd size", "two faces"])
def test_with_random_weights_too_and_thousands_of_boxes(pictures, picture, tmp_path):
    """For machines without the published file: scores that are far apart enough, so that rounding swaps no two boxes."""
    torch.manual_seed(3)
    theirs = build_network("mobile0.25").eval().requires_grad_(False)
    for norm in (module for module in theirs.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_(0, 0.1)
        norm.bias.normal_(0, 0.3)
        norm.running_var.uniform_(0.5, 1.5)
        norm.weight.uniform_(0.8, 1.6)
    for head in theirs.ClassHead:
        head.conv1x1.weight.mul_(12)
    mine, rgb = _load_saved(theirs, tmp_path), pictures[picture]
    expected = theirs.detect_faces(np.ascontiguousarray(rgb[..., ::-1]), conf_threshold=0.9)
    found = mine.find(torch.from_numpy(rgb.copy()).permute(2, 0, 1).float() / 255, 0.9)
    rows = torch.cat((found.boxes, found.scores[:, None], found.landmarks.flatten(1)), dim=1).numpy()
    assert len(rows) == len(expected) > 1000
    in_order = [found[np.lexsort(found[:, 1::-1].round(1).T)] for found in (rows, expected)]
    np.testing.assert_allclose(*in_order, rtol=0, atol=1e-2)


@pytest.mark.parametrize("backbone", ["mobile0.25", "resnet50"])
def test_folded_batch_norms_change_nothing_but_the_rounding(backbone):
    """Against the network as it was, in float64; its statistics are made to differ from those of a fresh one."""
    torch.manual_seed(2)
    network = build_network(backbone).eval().double()
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        for values in (norm.running_mean, norm.bias.data):
            values.normal_(0, 0.1)
        for values in (norm.running_var, norm.weight.data):
            values.uniform_(0.5, 1.5)
    picture = torch.randn(1, 3, 64, 96, dtype=torch.float64)
    with torch.no_grad():
        expected = network(picture)
        fold_batch_norms(network)
        found = network(picture)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules()) and norms
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("height", "width"), [(640, 640), (333, 517), (1, 9), (32, 33)])
def test_priors_equal_those_of_facexlib(untrained, height, width):
    from facexlib.detection.retinaface_utils import PriorBox

    expected = PriorBox(untrained.cfg, image_size=(height, width)).forward()
    torch.testing.assert_close(prior_boxes(height, width), expected, rtol=0, atol=1e-7)


def test_decoding_equals_that_of_facexlib(untrained):
    from facexlib.detection.retinaface_utils import decode, decode_landm

    priors, generator = prior_boxes(96, 64), torch.Generator().manual_seed(1)
    offsets, points = (torch.randn(len(priors), n, generator=generator) for n in (4, 10))
    variance = untrained.cfg["variance"]
    torch.testing.assert_close(decode_boxes(offsets, priors), decode(offsets, priors, variance), rtol=1e-6, atol=1e-6)
    landmarks = decode_landmarks(points, priors).reshape(-1, 10)
    torch.testing.assert_close(landmarks, decode_landm(points, priors, variance), rtol=1e-6, atol=1e-6)


def test_network_sees_bgr_less_the_mean(untrained, tmp_path):
    network = _load_saved(untrained, tmp_path)
    seen: list[torch.Tensor] = []
    network.module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    rgb = torch.tensor([1.0, 0.5, 0.0])[:, None, None].expand(3, 32, 32)
    network.find(rgb, 0.99)
    network.find(rgb.flip(0), 0.99)
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([0 - 104.0, 127.5 - 117.0, 255 - 123.0]))
    torch.testing.assert_close(seen[1][0, :, 0, 0], torch.tensor([255 - 104.0, 127.5 - 117.0, 0 - 123.0]))


def test_module_moves_as_a_whole_and_runs_in_its_own_precision(untrained, tmp_path):
    """Half the weights' size, as a memory manager may ask for: nothing of the network stays behind."""
    network = _load_saved(untrained, tmp_path)
    network.module.to(torch.bfloat16)
    found = network.find(torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)), 0.05)
    assert found.boxes.dtype == found.landmarks.dtype == torch.float32
    assert found.boxes.device.type == "cpu"


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 200), (200, 3)])
def test_degenerate_pictures_are_no_error(untrained, tmp_path, shape):
    found = _load_saved(untrained, tmp_path).find(torch.zeros(3, *shape), 0.999)
    assert found.landmarks.shape == (len(found), 5, 2)


@pytest.mark.parametrize("backbone", ["mobile0.25", "resnet50"])
def test_backbone_is_read_from_the_keys_not_the_name(backbone, tmp_path):
    path = tmp_path / "some_model.bin"
    torch.save({f"module.{k}": v for k, v in build_network(backbone).state_dict().items()}, path)
    assert load_retinaface(path).name == f"retinaface_{backbone}"


def test_missing_file_is_named(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"absent\.pth.*mtcnn"):
        load_retinaface(tmp_path / "absent.pth")


def test_unusable_files_are_refused_by_name(untrained, tmp_path):
    state = untrained.state_dict()
    contents = {
        "text.pth": lambda p: p.write_text("not a checkpoint"),
        "empty.pth": lambda p: p.write_bytes(b""),
        "other.pth": lambda p: torch.save({"conv.weight": torch.zeros(1)}, p),
        "list.pth": lambda p: torch.save([1, 2, 3], p),
        "short.pth": lambda p: torch.save({k: v for k, v in state.items() if "LandmarkHead" not in k}, p),
        "extra.pth": lambda p: torch.save({**state, "more.weight": torch.zeros(1)}, p),
        "code.pth": lambda p: torch.save(untrained, p),
        "cut.pth": lambda p: (torch.save(state, p), p.write_bytes(p.read_bytes()[: p.stat().st_size // 2])),
    }
    for name, write in contents.items():
        path = tmp_path / name
        write(path)
        with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
            load_retinaface(path)


def _load_saved(network: torch.nn.Module, folder):
    path = folder / "synthetic.pth"
    torch.save(network.state_dict(), path)
    return load_retinaface(path)

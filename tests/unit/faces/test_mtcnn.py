"""MTCNN: its layers against an independent float64 forward in numpy, and what its input looks like."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from gpen_core.errors import CheckpointError, MissingWeightsError
from gpen_core.faces.detectors import load_mtcnn
from gpen_core.faces.detectors.mtcnn import WEIGHT_SHA256
from gpen_core.faces.detectors.mtcnn_nets import ProposalNet, assign_arrays
from gpen_core.files import file_sha256

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package, which carries the weights, is not installed"
)


@pytest.fixture(scope="module")
def mtcnn():
    return load_mtcnn()


@pytest.fixture(scope="module")
def astronaut() -> torch.Tensor:
    data = pytest.importorskip("skimage.data")
    return torch.from_numpy(data.astronaut()).permute(2, 0, 1).float() / 255


@needs_weights
@pytest.mark.parametrize(("name", "shape"), [("proposal", (23, 30)), ("refine", (24, 24)), ("output", (48, 48))])
def test_each_network_equals_a_float64_forward_in_numpy(mtcnn, name, shape):
    net = getattr(mtcnn.module, name)
    image = np.random.default_rng(0).uniform(-1, 1, (*shape, 3))
    arrays = _stored_arrays({"proposal": "pnet", "refine": "rnet", "output": "onet"}[name])
    expected = _numpy_forward(image, arrays, name)
    with torch.no_grad():
        actual = net(torch.from_numpy(image).float().permute(2, 0, 1)[None])
    assert len(actual) == len(expected)
    for mine, reference in zip(actual, expected, strict=True):
        np.testing.assert_allclose(mine[0].numpy(), reference, atol=1e-4)


@needs_weights
def test_networks_see_rgb_as_the_authors_normalized_it(mtcnn):
    frame = torch.tensor([1.0, 0.5, 0.0])[:, None, None].expand(3, 20, 20)
    seen = _input_of(mtcnn.module.proposal, lambda: mtcnn.find(frame, 0.5))
    expected = torch.tensor([(255 - 127.5) / 128, 0.0, (0 - 127.5) / 128])[:, None, None].expand_as(seen[0])
    torch.testing.assert_close(seen[0], expected)


@needs_weights
def test_landmarks_have_the_roles_that_types_promises(mtcnn, astronaut):
    found = mtcnn.find(astronaut, 0.9)
    left_eye, right_eye, nose, left_mouth, right_mouth = found.landmarks[0].tolist()
    assert len(found) == 1
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@needs_weights
def test_landmarks_of_the_mirrored_picture_are_the_mirrored_landmarks(mtcnn, astronaut):
    """A half-pixel slip in cropping or mapping back would push both to the same side: here the face is 86 px wide."""
    mirrored = mtcnn.find(astronaut.flip(2), 0.9).landmarks[0][[1, 0, 2, 4, 3]]
    mirrored[:, 0] = astronaut.shape[2] - 1 - mirrored[:, 0]
    slip = (mtcnn.find(astronaut, 0.9).landmarks[0] - mirrored).mean(dim=0)
    assert slip.abs().max() < 1.0


@needs_weights
def test_threshold_applies_to_the_last_stage(mtcnn, astronaut):
    loose, strict = mtcnn.find(astronaut, 0.05), mtcnn.find(astronaut, 0.9)
    assert len(loose) >= len(strict) == 1
    assert strict.scores.min() >= 0.9
    assert torch.equal(loose.scores, loose.scores.sort(descending=True).values)


@needs_weights
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 300), (300, 11), (12, 12), (13, 400)])
def test_degenerate_pictures_give_no_face_and_no_error(mtcnn, shape):
    assert len(mtcnn.find(torch.rand(3, *shape, generator=torch.Generator().manual_seed(0)), 0.5)) == 0


@needs_weights
@pytest.mark.parametrize("scale", [1e3, 1e20, 1e30])
def test_values_that_are_no_colors_give_an_answer_and_take_no_endless_memory(mtcnn, astronaut, scale):
    small = torch.nn.functional.avg_pool2d(astronaut, 4)
    for picture in (small * scale, torch.randn(3, 90, 70, generator=torch.Generator().manual_seed(1)) * scale):
        found = mtcnn.find(picture, 0.5)
        assert torch.isfinite(found.boxes).all() or scale > 1e3


def test_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingWeightsError, match=r"pip install mtcnn==1\.0\.0 joblib lz4"):
        load_mtcnn()


def test_another_package_of_that_name_says_what_to_install(monkeypatch, tmp_path):
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(MissingWeightsError, match=r"pnet\.lz4"):
        load_mtcnn()


def test_arrays_of_another_network_are_refused():
    with pytest.raises(CheckpointError, match="3 arrays"):
        assign_arrays(ProposalNet(), [np.zeros(3)] * 3, "some.file")
    arrays = [np.zeros((3, 3, 3, 11), dtype=np.float32)] * 13
    with pytest.raises(CheckpointError, match="shape"):
        assign_arrays(ProposalNet(), arrays, "some.file")


def _input_of(module: torch.nn.Module, call) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    handle = module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    call()
    handle.remove()
    return seen[0]


def _stored_arrays(name: str) -> list[np.ndarray]:
    from pathlib import Path

    import joblib

    folder = Path(importlib.util.find_spec("mtcnn").submodule_search_locations[0])
    return [array.astype(np.float64) for array in joblib.load(folder / "assets" / "weights" / f"{name}.lz4")]


def _numpy_forward(x: np.ndarray, arrays: list[np.ndarray], name: str) -> list[np.ndarray]:
    """x: [H, W, 3]. The networks as figure 2 of the paper draws them, in channels-last numpy."""
    take = iter(arrays)
    pools = {"proposal": [(2, True), None, None], "refine": [(3, True), (3, False), None]}
    pools["output"] = [(3, True), (3, False), (2, True), None]
    for pool in pools[name]:
        x = _prelu(_conv(x, next(take), next(take)), next(take))
        x = _pool(x, *pool) if pool else x
    if name == "proposal":
        box, face = _conv(x, next(take), next(take)), _softmax(_conv(x, next(take), next(take)))
        return [box.transpose(2, 0, 1), face[..., 1]]
    flat = x.transpose(1, 0, 2).reshape(-1)
    hidden = _prelu(flat @ next(take) + next(take), next(take))
    heads = [hidden @ next(take) + next(take) for _ in range(2 if name == "refine" else 3)]
    face = _softmax(heads[-1])[1]
    return [heads[0], face] if name == "refine" else [heads[0], heads[1].reshape(2, 5).T, face]


def _conv(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    windows = sliding_window_view(x, kernel.shape[:2], axis=(0, 1))  # [H', W', C, kh, kw]
    return np.einsum("hwcij,ijco->hwo", windows, kernel) + bias


def _pool(x: np.ndarray, size: int, keep_partial: bool) -> np.ndarray:
    """Maximum over windows every 2 pixels; windows over the far edge count what there is, where kept."""
    limits = x.shape if keep_partial else [n - size + 1 for n in x.shape[:2]]
    last = [
        max(0, -(-(n - size) // 2)) * 2 if keep_partial else limit - 1
        for n, limit in zip(x.shape, limits, strict=False)
    ]
    return np.array(
        [
            [x[i : i + size, j : j + size].max(axis=(0, 1)) for j in range(0, last[1] + 1, 2)]
            for i in range(0, last[0] + 1, 2)
        ]
    )


def _prelu(x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, x * slope.reshape(-1))


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@needs_weights
@pytest.mark.parametrize("name", ["pnet.lz4", "rnet.lz4", "onet.lz4"])
def test_a_weight_file_that_was_changed_is_named_and_never_unpickled(monkeypatch, tmp_path, name):
    import shutil
    from pathlib import Path

    import joblib

    package = Path(importlib.util.find_spec("mtcnn").submodule_search_locations[0])
    shutil.copytree(package / "assets" / "weights", tmp_path / "assets" / "weights")
    changed = tmp_path / "assets" / "weights" / name
    joblib.dump(Trap(), changed, compress="lz4")
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *rest: found if n == "mtcnn" else real(n, *rest))
    with pytest.raises(CheckpointError) as caught:
        load_mtcnn()
    message = str(caught.value)
    assert str(changed) in message and WEIGHT_SHA256[name][:12] in message and file_sha256(changed)[:12] in message
    assert "pip install" in message


class Trap:
    """Fails the test when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a file that is not the published one was unpickled",))

"""Sample Faces in real ComfyUI."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from host_harness.graphs import SETTINGS, Prompt, load, node, probing, sampled, saving
from host_harness.host_process import HostProcess, RunResult
from PIL import Image

from gpen_core import load_checkpoint
from gpen_core.faces.alignment import align_face
from gpen_core.faces.detectors import load_detector
from gpen_core.pipeline import detect_faces
from gpen_core.sampling import SampleOptions, sample_faces


@pytest.fixture(scope="module")
def living(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared checkpoint, but with noise weights as after training: at first they are 0 and features count nothing."""
    state = torch.load(checkpoint, weights_only=True)["g_ema"]
    path = tmp_path_factory.mktemp("living") / "living.pth"
    torch.save({name: value + 0.7 * name.endswith("noise.weight") for name, value in state.items()}, path)
    return path


@pytest.fixture
def ready(pack_host: HostProcess, place_model: Callable[..., Path], living: Path, portrait: Path) -> HostProcess:
    """The host with our pack, the small model and the portrait."""
    place_model(living, name="tiny.pth")
    pack_host.base.place_input(portrait)
    return pack_host


def pictures(host: HostProcess, prompt: Prompt) -> torch.Tensor:
    """What Sample Faces gives. [N, 3, S', S']"""
    result = host.run(probing(prompt, picture=("6", 0)))
    assert result.status == "success", _why(result)
    made = np.load(host.base.output / result.outputs["probe_picture"]["probe"][0]["filename"])
    return torch.from_numpy(made).movedim(-1, 1)


def _why(result: RunResult) -> str:
    return "\n".join([*(result.error or {}).get("traceback", []), str(result.node_errors), *result.warnings])


def error_of(host: HostProcess, prompt: Prompt) -> str:
    result = host.run(saving(prompt))
    assert result.status == "error" and result.error is not None and result.error["node_id"] == "6"
    return result.error["exception_message"]


def from_core(model: Path, face: torch.Tensor | None = None, **options: object) -> torch.Tensor:
    return torch.stack(list(sample_faces(load_checkpoint(model), SampleOptions(**options), face=face)))


def frame_of(portrait: Path) -> torch.Tensor:
    return torch.from_numpy(np.asarray(Image.open(portrait).convert("RGB"), dtype=np.float32) / 255).movedim(-1, 0)


def same(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_seeds_and_interpolations_match_the_core(ready: HostProcess, living: Path):
    same(pictures(ready, sampled(seed=5, count=3)), from_core(living, seed=5, count=3))
    steps = pictures(ready, sampled(seed=5, count=3, interpolate=True, end_seed=2**64 - 1, truncation=0.5))
    same(steps, from_core(living, seed=5, count=3, to_seed=2**64 - 1, truncation=0.5))


def test_a_picture_with_faces_or_an_aligned_square_gives_its_structure(
    ready: HostProcess, living: Path, portrait: Path
):
    prompt = load("astronaut.png") | sampled(count=1, image=["1", 0])
    frame = frame_of(portrait)
    same(pictures(ready, prompt), from_core(living, frame))
    prompt["4"] = node("GPEN_DetectFaces", image=["1", 0], detector=["3", 0], **SETTINGS["detect"])
    prompt["6"]["inputs"]["faces"] = ["4", 0]
    face = detect_faces(frame[None], load_detector("mtcnn"))[0]
    found = pictures(ready, prompt)
    same(found, from_core(living, align_face(frame, face, 64, "gpen").pixels))
    assert (found - from_core(living, frame)).abs().mean() > 0.02


def test_the_seed_widget_can_change_after_each_run(ready: HostProcess):
    required = ready.object_info("GPEN_SampleFaces")["input"]["required"]
    assert required["seed"][1]["control_after_generate"] is True and required["seed"][1]["max"] == 2**64 - 1


def test_another_seed_is_made_anew_and_the_same_one_is_cached(ready: HostProcess):
    first, again, other = (ready.run(saving(sampled(seed=seed))) for seed in (1, 1, 2))
    assert first.status == again.status == other.status == "success"
    assert again.executed == [] and other.executed == ["6", "9"]


def test_progress_is_counted_previewed_and_cancelled_and_weights_are_the_hosts(ready: HostProcess):
    result = ready.run(saving(sampled(count=3, batch_size=1)))
    steps = [(step["value"], step["max"]) for step in result.progress if step["node"] == "6"]
    assert [round(3 * value / most, 2) for value, most in steps] == [1, 2, 3] and len(result.previews) >= 3
    loaded = ready.loaded_models()
    assert [model["model"] for model in loaded] == ["Gpen"] and loaded[0]["on_load_device"]
    cancelled = ready.run_and_cancel(saving(sampled(count=6, batch_size=1, seed=9)), after=2)
    assert cancelled.status == "interrupted" and "9" not in cancelled.executed
    assert ready.run(saving(sampled(count=6, batch_size=1, seed=9))).status == "success"


def test_what_cannot_be_sampled_from_is_an_error_that_says_why(ready: HostProcess):
    flat = np.full((1, 96, 80, 3), 0.5, dtype=np.float32)
    np.save(ready.base.input / "flat.npy", flat)
    prompt = load("flat.npy") | sampled(image=["1", 0])
    assert "80×96, not a square aligned face" in error_of(ready, prompt)
    prompt["4"] = node("GPEN_DetectFaces", image=["1", 0], detector=["3", 0], **SETTINGS["detect"])
    prompt["6"]["inputs"]["faces"] = ["4", 0]
    assert "no face was found" in error_of(ready, prompt)
    del prompt["6"]["inputs"]["image"]
    assert "image is not" in error_of(ready, prompt)
    assert "count of at least 2" in error_of(ready, sampled(count=1, interpolate=True))

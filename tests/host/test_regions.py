"""Regions and texture in real ComfyUI: what the nodes give is what the core gives."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from host_harness.graphs import SETTINGS, Prompt, node, probing, whole
from host_harness.host_process import HostProcess, RunResult
from PIL import Image

from gpen_core import load_checkpoint
from gpen_core.faces.detectors import load_detector
from gpen_core.faces.regions import RegionOptions
from gpen_core.pipeline import BlendOptions, ProtectOptions, Settings, restore_image

OFF = {"protect": "off"}


@pytest.fixture
def ready(pack_host: HostProcess, place_model: Callable[..., Path], checkpoint: Path, portrait: Path) -> HostProcess:
    """The host with our pack, the small model, the portrait, and a mask that covers its left half."""
    place_model(checkpoint)
    pack_host.base.place_input(portrait)
    left = Image.new("RGB", (512, 512))
    left.paste((255, 255, 255), (0, 0, 226, 512))
    left.save(portrait.with_name("left.png"))
    pack_host.base.place_input(portrait.with_name("left.png"))
    return pack_host


def with_regions(**changes: float | str) -> Prompt:
    """Regions 8, with a mask that is the picture's left half, into the all-in-one node 6."""
    prompt = whole("astronaut.png", **OFF)
    prompt["9"] = node("LoadImageMask", image="left.png", channel="red")
    prompt["8"] = node("GPEN_FaceRegions", mask=["9", 0], **{**SETTINGS["regions"], **changes})
    prompt["6"]["inputs"]["regions"] = ["8", 0]
    return prompt


def read(host: HostProcess, result: RunResult, name: str) -> np.ndarray:
    assert result.status == "success", "\n".join((result.error or {}).get("traceback", [str(result.node_errors)]))
    return np.load(host.base.output / result.outputs[f"probe_{name}"]["probe"][0]["filename"])


def core(checkpoint: Path, portrait: Path, blend: BlendOptions):
    pixels = np.asarray(Image.open(portrait).convert("RGB"), dtype=np.float32) / 255
    frames = torch.from_numpy(pixels)[None].movedim(-1, 1)
    settings = Settings(blend=blend, protect=ProtectOptions("off"))
    return restore_image(frames, load_checkpoint(checkpoint), load_detector("mtcnn"), settings)


@pytest.mark.parametrize("mode", ["intersect", "subtract"])
def test_strengths_and_a_mask_go_through_the_graph(ready: HostProcess, checkpoint: Path, portrait: Path, mode: str):
    result = ready.run(probing(with_regions(eyes=0.0, skin=0.5, grow=3, mask_mode=mode), mask=("6", 1)))
    left = torch.zeros(1, 1, 512, 512)
    left[..., :226] = 1
    wish = RegionOptions({"skin": 0.5, "eyes": 0.0}, grow=3, mask=left, mask_mode=mode)
    expected = core(checkpoint, portrait, BlendOptions(regions=wish))
    np.testing.assert_allclose(read(ready, result, "mask"), expected.mask[:, 0].numpy(), atol=2e-3)


def test_grain_is_the_same_for_the_same_seed(ready: HostProcess, checkpoint: Path, portrait: Path):
    result = ready.run(probing(whole("astronaut.png", grain=1.0, grain_seed=5, **OFF), picture=("6", 0)))
    expected = core(checkpoint, portrait, BlendOptions(grain=1.0, grain_seed=5))
    np.testing.assert_allclose(read(ready, result, "picture"), expected.frames.movedim(1, -1).numpy(), atol=2e-3)

"""Faces that every machine has, models that are quick, and folders of files."""

from dataclasses import dataclass

import pytest
import torch
from PIL import Image

from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.lab.evaluation import NamedFace
from gpen_core.model import GpenConfig


@dataclass(frozen=True)
class Echo:
    """A model that gives back what it got, enlarged where it is an upscaling one; ``seen`` are the batches' sizes."""

    config: GpenConfig
    seen: list
    name: str = "echo"

    def __call__(self, crops):
        self.seen.append(len(crops))
        return torch.nn.functional.interpolate(crops, (self.config.output_size,) * 2, mode="nearest")


@pytest.fixture(scope="session")
def echo():
    """echo(side, output side) → Echo"""

    def make(size=64, output_size=None):
        return Echo(GpenConfig.published(size, output_size=output_size, narrow=1 / 64, style_dim=8), [])

    return make


@pytest.fixture(scope="session")
def crop(astronaut):
    """[3, 256, 256]: the astronaut's face, framed about as an aligned one."""
    return resize_lanczos(astronaut[:, 20:200, 135:315], (256, 256))


@pytest.fixture(scope="session")
def five(crop):
    """Five NamedFaces that differ: the crop in other colors and mirrored."""
    shades = [crop, crop.flip(2), crop.sqrt(), crop.square(), crop.flip(0)]
    return [NamedFace(f"{number}.png", shade.contiguous()) for number, shade in enumerate(shades)]


@pytest.fixture
def folder(five, tmp_path):
    """A folder of the five, of 128 px."""
    path = tmp_path / "clean"
    path.mkdir()
    for face in five:
        pixels = face.pixels.mul(255).round().byte().movedim(0, -1).numpy()
        Image.fromarray(pixels).resize((128, 128), Image.Resampling.LANCZOS).save(path / face.name)
    return path

"""A folder of small square pictures and the smallest run that has every part."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RUN = """
seed = 5
stage = "{stage}"
ema_half_life = 0.05
{top}
[model]
input_size = {size}
output_size = {size}
channels = {channels}
style_dim = 16
mapping_layers = 2
[data]
held_out = {held_out}
workers = 0
[validation]
every = 4
count = 3
shown = 2
[saving]
every = {save_every}
keep = 2
log_every = 1
{more}
"""


@pytest.fixture(scope="session")
def faces_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve 48 px pictures: crops of scikit-image's astronaut, cat and coffee."""
    from skimage import data

    folder = tmp_path_factory.mktemp("faces")
    number = 0
    for source in (data.astronaut(), data.cat(), data.coffee()):
        for top, left in ((0, 0), (20, 150), (100, 60), (160, 240)):
            side = 96 + 12 * number
            crop = Image.fromarray(np.ascontiguousarray(source[top : top + side, left : left + side]))
            crop.resize((48, 48), Image.Resampling.BOX).save(folder / f"{number:02d}.png")
            number += 1
    return folder


@pytest.fixture
def run_text() -> Callable[..., str]:
    """The configuration of a run of 16 px, as TOML text."""

    def text(
        *, stage: str = "restore", size: int = 16, top: str = "", more: str, save_every: int = 2, held_out: float = 0.25
    ) -> str:
        channels = [8] * (size.bit_length() - 2)
        return RUN.format(
            stage=stage, size=size, channels=channels, top=top, more=more, save_every=save_every, held_out=held_out
        )

    return text

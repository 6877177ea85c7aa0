"""A folder of small square pictures, the smallest run that has every part, and ways to look at what it leaves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gpen_core.lab.training import Observer, TrainConfig, read_config

RUN = """
seed = 5
stage = "{stage}"
ema_half_life = 0.05
{top}
[model]
input_size = {size}
output_size = {output_size}
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
tensorboard = false
{more}
"""
JUDGED = """
[discriminator]
size = {output_size}
{discriminator}
[adversarial]
weight = 1.0
r1_every = 2
path_every = 2
"""
L1 = """
[[losses]]
kind = "l1"
"""
PHASE = """
[[phases]]
size = {size}
steps = {steps}
batch = 4
"""
STYLEGAN2, PATCH = "channels = {channels}", 'kind = "patch"\nsmallest = 16\nchannels = [4, 4]'
KINDS = {
    "plain": L1 + PHASE + 'warmup = 2\nschedule = "cosine"\n',
    "adversarial": JUDGED.replace("{discriminator}", STYLEGAN2) + "feature_matching = 0.02\n" + L1 + PHASE,
    "patch": JUDGED.replace("{discriminator}", PATCH) + "feature_matching = 0.02\n" + L1 + PHASE,
    "growing": L1 + PHASE.replace("{size}", "16") + PHASE.replace("batch = 4", "batch = 2"),
    "prior": JUDGED.replace("{discriminator}", STYLEGAN2) + PHASE,
}


class Stop(Exception):
    """Stands for whatever ends a process."""


class Runs:
    """What tests of runs share."""

    Stop = Stop

    def text(
        self,
        kind: str,
        *,
        size: int = 0,
        output_size: int = 0,
        steps: int = 6,
        top: str = "",
        save_every: int = 2,
        held_out: float = 0.25,
        more: str = "",
        changes: Mapping[str, str] | None = None,
    ) -> str:
        """The configuration of a run of one of ``KINDS``, as TOML text; ``changes``: what to put for what."""
        size = size or (32 if kind == "growing" else 16)
        output_size = output_size or size
        channels = [8] * (output_size.bit_length() - 2)
        values = {"size": size, "output_size": output_size, "steps": steps, "channels": channels}
        parts = (KINDS[kind] + more).format(**values)
        stage = "prior" if kind == "prior" else "restore"
        text = RUN.format(**values, stage=stage, top=top, save_every=save_every, held_out=held_out, more=parts)
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        return text

    def config(self, kind: str, **settings: Any) -> TrainConfig:
        return read_config(self.text(kind, **settings))

    def state(self, out: Path) -> dict[str, Any]:
        """The newest."""
        return torch.load(sorted((out / "states").glob("state_*.pt"))[-1], weights_only=True)

    def stop_after(self, step: int) -> Observer:
        def progress(done: int, steps: int, losses: dict[str, float]) -> None:
            if done == step:
                raise Stop

        return Observer(progress=progress)

    def differing(self, first: Any, second: Any, where: str = "state") -> list[str]:
        """The places where two saved states are not the same to the bit."""
        if isinstance(first, dict):
            if first.keys() != second.keys():
                return [where]
            return [place for key in first for place in self.differing(first[key], second[key], f"{where}.{key}")]
        if isinstance(first, list | tuple):
            if len(first) != len(second):
                return [where]
            pairs = enumerate(zip(first, second))
            return [place for i, (a, b) in pairs for place in self.differing(a, b, f"{where}[{i}]")]
        same = torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second
        return [] if same else [where]

    def close(self, first: Any, second: Any, atol: float = 1e-4) -> None:
        for key, value in first.items():
            torch.testing.assert_close(second[key], value, rtol=1e-3, atol=atol, msg=key)

    def damage(self, path: Path) -> None:
        """Cut a picture off in its middle: its header can still be read."""
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])


@pytest.fixture(scope="session")
def runs() -> Runs:
    return Runs()


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

"""Which networks are measured: those that are on the machine, or shapes of published ones with random weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...checkpoints import GpenModel, load_checkpoint
from ...checkpoints.load import read_generator
from ...errors import OptionError
from ...model import Gpen, GpenConfig
from ...tasks import TASKS
from ...weights.catalog import BUNDLED, published_of
from ...weights.find import bundled_file, find_weights

PUBLISHED_SIZES = (256, 512, 1024, 2048)


@dataclass(frozen=True)
class Subject:
    """A network to measure: the one in ``path``, or else one of the published shape of ``size`` px, with random weights:
    good for its speed and for nothing else."""

    name: str
    path: str | None = None
    size: int | None = None

    @property
    def config(self) -> GpenConfig:
        """Raises CheckpointError where the file holds no generator."""
        return shape_of(self.size) if self.path is None else read_generator(Path(self.path)).config

    def load(self, device: torch.device, dtype: torch.dtype) -> GpenModel:
        """The network, ready to run."""
        if self.path is not None:
            return load_checkpoint(self.path, device=device, dtype=dtype)
        network = random_network(self.config)
        return GpenModel(network.config, network.to(device, dtype), TASKS["restoration"], self.name)


def present_subjects(folders: Sequence[Path]) -> tuple[Subject, ...]:
    """The published networks that are on this machine, and the bundled one."""
    found = ((entry.name, find_weights(entry, folders)) for entry in published_of("gpen"))
    there = [Subject(name, str(path)) for name, path in found if path is not None]
    return (Subject(BUNDLED.name, str(bundled_file())), *there)


def random_subjects(sizes: Iterable[int]) -> tuple[Subject, ...]:
    """One network of random weights for each size. Raises OptionError for a size that was never published."""
    sizes = tuple(sizes)
    if wrong := [size for size in sizes if size not in PUBLISHED_SIZES]:
        raise OptionError(f"no published network has {wrong[0]} px: choose of {', '.join(map(str, PUBLISHED_SIZES))}")
    return tuple(Subject(f"{size} px, random weights", size=size) for size in sizes)


def shape_of(size: int | None) -> GpenConfig:
    """The configuration of the published restoration network of ``size`` px: that of 256 px is slimmer than the rest."""
    if size is None:
        raise OptionError("a subject needs the path of a checkpoint, or a size")
    return GpenConfig.published(size, channel_multiplier=1, narrow=0.5) if size == 256 else GpenConfig.published(size)


def random_network(config: GpenConfig, seed: int = 0) -> Gpen:
    """Random weights, on the CPU, in which no part lies idle: the features' weights, which begin at 0, are drawn too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Gpen(config).requires_grad_(False).eval()
        for name, parameter in network.named_parameters():
            if name.endswith("noise.weight"):
                parameter.normal_(std=0.1)
    return network


def random_crops(size: int, count: int, seed: int = 0) -> Tensor:
    """[count, 3, size, size] in [0, 1]: smooth blots, as a face is smoother than noise."""
    generator = torch.Generator().manual_seed(seed)
    blots = torch.rand(count, 3, 16, 16, generator=generator)
    return F.interpolate(blots, (size, size), mode="bicubic").clamp_(0, 1)

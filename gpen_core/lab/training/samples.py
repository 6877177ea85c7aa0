"""The pictures of a run, in order: sample number p is the same picture, degraded the same way, whenever it is asked for.

So a run that is killed and resumed, or shared among several processes, sees exactly the same pictures.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ...errors import ImageError, TrainingError
from ..degradation import DegradationRecipe, Weighted, degrade, draw, draw_of
from .augmentation import AugmentationConfig, augment
from .folder import read_face, shrunk


@dataclass(frozen=True, eq=False)
class Batch:
    """``low`` [N, 3, S, S] and ``target`` [N, 3, S', S'], RGB in [-1, 1], float32. ``numbers``: the samples' positions in
    the run. ``corrupt``: names of pictures that could not be read and were replaced."""

    low: Tensor
    target: Tensor
    numbers: tuple[int, ...]
    corrupt: tuple[str, ...] = ()

    @property
    def enlarged(self) -> Tensor:
        """``low`` at the target's size, bilinear."""
        size = self.target.shape[-1]
        return self.low if self.low.shape[-1] == size else F.interpolate(self.low, (size, size), mode="bilinear")

    def to(self, device: torch.device, *, channels_last: bool = True) -> Batch:
        layout = torch.channels_last if channels_last else torch.contiguous_format

        def moved(pictures: Tensor) -> Tensor:
            return pictures.to(device, memory_format=layout, non_blocking=True)

        return Batch(moved(self.low), moved(self.target), self.numbers, self.corrupt)

    def pin_memory(self) -> Batch:
        """In memory that a GPU fetches by itself; the name is DataLoader's."""
        return Batch(self.low.pin_memory(), self.target.pin_memory(), self.numbers, self.corrupt)

    def first(self, count: int) -> Batch:
        """Of the first so many samples."""
        return Batch(self.low[:count], self.target[:count], self.numbers[:count])

    def parts(self, count: int) -> list[Batch]:
        """Equal ones: ``count`` divides the batch."""
        side = len(self.numbers) // count
        parts = zip(self.low.split(side), self.target.split(side), range(0, len(self.numbers), side))
        return [Batch(low, target, self.numbers[start : start + side]) for low, target, start in parts]


@dataclass(frozen=True)
class Sample:
    low: Tensor
    target: Tensor
    number: int
    corrupt: tuple[str, ...]


class FaceSamples(Dataset[Sample]):
    """``samples[p]`` for any p ≥ 0: pictures in random order, reshuffled after every epoch.

    Pictures are read, changed by ``augmentation`` and degraded at ``read_size``; then the degraded shrinks to ``size`` and
    the target to ``out_size``, so that a network still growing learns from what the full-grown one will see. ``mix``:
    recipes in place of ``recipe``, drawn by their weights. ``shuffle`` off: picture p mod the number of pictures
    (validation).
    """

    def __init__(
        self,
        root: Path,
        names: Sequence[str],
        recipe: DegradationRecipe,
        *,
        size: int,
        out_size: int,
        read_size: int,
        seed: int,
        shuffle: bool = True,
        mix: Sequence[Weighted] = (),
        augmentation: AugmentationConfig = AugmentationConfig(),
    ) -> None:
        self.root, self.names, self.recipe = root, tuple(names), recipe
        self.mix, self.augmentation = tuple(mix), augmentation
        self.size, self.out_size, self.read_size = size, out_size, read_size
        self.seed, self.shuffle = seed, shuffle
        self._turn, self._order = -1, np.arange(0)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, position: int) -> Sample:
        face, corrupt = self._face(position)
        random = np.random.default_rng((self.seed, position))
        face = augment(face, self.augmentation, random)
        degradation = draw_of(self.mix, random) if self.mix else draw(self.recipe, random)
        degraded = degrade(face, degradation, random)
        low, target = shrunk(degraded.low, self.size), shrunk(degraded.target, self.out_size)
        return Sample(_tensor(low), _tensor(target), position, corrupt)

    def _face(self, position: int) -> tuple[np.ndarray, tuple[str, ...]]:
        """The picture at a position, or the next that can be read, and the names of those that could not."""
        corrupt: list[str] = []
        for step in range(len(self.names)):
            name = self._name(position + step)
            try:
                return read_face(self.root / name, self.read_size), tuple(corrupt)
            except ImageError:
                corrupt.append(name)
        raise TrainingError(f"{self.root}: not one of {len(self.names)} pictures can be read any more")

    def _name(self, position: int) -> str:
        turn, index = divmod(position, len(self.names))
        if self.shuffle and turn != self._turn:
            self._turn, self._order = turn, np.random.default_rng((self.seed, turn)).permutation(len(self.names))
        return self.names[self._order[index] if self.shuffle else index]


@dataclass(frozen=True)
class Share:
    """Which samples of each batch this process works on: every ``world``-th, from ``rank``."""

    rank: int = 0
    world: int = 1


@dataclass(frozen=True)
class Positions:
    """Sample numbers of ``count`` batches, from number ``first`` on: of each batch, one process's share."""

    first: int
    count: int
    batch: int
    share: Share

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(self.first, self.first + self.count * self.batch, self.batch):
            yield list(range(start + self.share.rank, start + self.batch, self.share.world))


def batches(
    samples: FaceSamples, *, first: int, count: int, batch: int, share: Share = Share(), workers: int = 0
) -> Iterator[Batch]:
    """``count`` batches from sample ``first`` on; of each, this process's share, which must be as large as the others'."""
    if batch % share.world:
        raise TrainingError(f"a batch of {batch} cannot be shared by {share.world} processes: make it a multiple")
    yield from DataLoader(
        samples,
        batch_sampler=Positions(first, count, batch, share),
        num_workers=workers,
        collate_fn=_collate,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_one_thread,
        multiprocessing_context="spawn" if workers else None,  # forking a process with OpenMP threads can hang
        generator=torch.Generator(),  # not the global one, which is the run's
    )


def in_order(samples: FaceSamples, at_once: int) -> Iterator[Batch]:
    """Every picture once, in batches of ``at_once`` (the last may be smaller); read by this process."""
    for start in range(0, len(samples), at_once):
        yield _collate([samples[position] for position in range(start, min(start + at_once, len(samples)))])


def _tensor(pixels: np.ndarray) -> Tensor:
    """[S, S, 3] in [0, 1] → [3, S, S] in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1) * 2 - 1


def _collate(samples: list[Sample]) -> Batch:
    corrupt = tuple(name for sample in samples for name in sample.corrupt)
    numbers = tuple(sample.number for sample in samples)
    return Batch(torch.stack([s.low for s in samples]), torch.stack([s.target for s in samples]), numbers, corrupt)


def _one_thread(worker: int) -> None:
    import cv2

    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")

"""Random numbers that resumed and multi-process runs reproduce: each seed is derived from what it is used for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch


class Stream(IntEnum):
    """What the numbers are for; the values are part of every run's seed and never change."""

    INITIAL = 0
    GROWTH = 1
    LATENTS = 2
    PATH = 3
    VALIDATION = 4
    DISCRIMINATOR_LATENTS = 5
    PATH_DIRECTIONS = 6


def seed_of(seed: int, stream: Stream, number: int = 0) -> int:
    return int(np.random.SeedSequence((seed, int(stream), number)).generate_state(1, np.uint64)[0] >> 1)


@dataclass(frozen=True)
class Noise:
    """Numbers for samples, known by their position in the run: the same however the batch is shared by processes, or cut
    into parts. Drawn on ``device``: there are many, and the CPU would keep a GPU waiting for them."""

    seed: int
    stream: Stream
    device: torch.device = torch.device("cpu")

    def of(self, numbers: Iterable[int]) -> list[torch.Generator]:
        """A generator for each sample."""
        return [self.generator(number) for number in numbers]

    def generator(self, number: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed_of(self.seed, self.stream, number))

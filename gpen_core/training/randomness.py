"""Random numbers that a resumed or shared run draws again: each has a seed of its own, made of what it is for."""

from __future__ import annotations

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


def seed_of(seed: int, stream: Stream, step: int = 0) -> int:
    return int(np.random.SeedSequence((seed, int(stream), step)).generate_state(1, np.uint64)[0] >> 1)


def generator_for(seed: int, stream: Stream, step: int = 0) -> torch.Generator:
    """On the CPU: the same numbers whatever the device of the run."""
    return torch.Generator().manual_seed(seed_of(seed, stream, step))

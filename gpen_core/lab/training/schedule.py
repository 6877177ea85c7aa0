"""Where in a run a step is, and how fast it learns there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .config import TrainConfig
from .parts import PhaseConfig


@dataclass(frozen=True)
class Place:
    """Step ``within`` phase number ``index``; ``samples`` is how many pictures all steps before have seen."""

    index: int
    within: int
    samples: int

    def phase(self, config: TrainConfig) -> PhaseConfig:
        return config.phases[self.index]


def place_of(config: TrainConfig, step: int) -> Place:
    """Where step number ``step`` (from 0) is. The step after the last counts to the last phase."""
    samples = 0
    for index, phase in enumerate(config.phases):
        if step < phase.steps or index == len(config.phases) - 1:
            return Place(index, step, samples + step * phase.batch)
        step -= phase.steps
        samples += phase.steps * phase.batch
    raise AssertionError("a configuration has phases")


def work_of(config: TrainConfig, step: int) -> int:
    """Pixels that the steps before number ``step`` (from 0) worked on: what time goes by, as a network grows."""
    done = 0
    for phase in config.phases:
        taken = min(step, phase.steps)
        done += taken * phase.batch * phase.size**2
        step -= taken
    return done


def rate_at(phase: PhaseConfig, within: int) -> float:
    """What the optimizer's learning rates are multiplied by, at step ``within`` of a phase."""
    rate = phase.learning_rate
    if within < phase.warmup:
        return rate * (within + 1) / phase.warmup
    if phase.schedule == "cosine":
        done = (within - phase.warmup) / max(1, phase.steps - phase.warmup)
        return rate * (phase.final + (1 - phase.final) * (1 + math.cos(math.pi * done)) / 2)
    return rate

"""The parts of a training run's configuration, each checked by itself when it is made."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import OptionError
from .losses import LossConfig
from .ranges import at_least, choice, share

SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam. Learning rates are for parameters as they are stored (equalised: Karras et al. 2018). A half of the network whose
    rate is 0 is not trained."""

    encoder: float = 0.002
    decoder: float = 0.002
    discriminator: float = 0.002
    betas: tuple[float, float] = (0.0, 0.99)
    clip_norm: float = 0.0  # of all gradients together; 0: never

    def __post_init__(self) -> None:
        at_least(
            0, encoder=self.encoder, decoder=self.decoder, discriminator=self.discriminator, clip_norm=self.clip_norm
        )
        share(**{"betas[0]": self.betas[0], "betas[1]": self.betas[1]})


@dataclass(frozen=True)
class AdversarialConfig:
    """Non-saturating logistic loss and its regularisers; all off where ``weight`` is 0.

    R1 and path length are lazy (StyleGAN2 §3.1): computed every ``r1_every`` and ``path_every`` steps, at as many times
    the weight. ``path_shrink`` divides the batch that the path length is measured on; of a batch worked on in parts, it
    is the first part.
    """

    weight: float = 0.0
    feature_matching: float = 0.0
    r1: float = 10.0
    r1_every: int = 16
    path_length: float = 2.0
    path_every: int = 4
    path_shrink: int = 2
    path_decay: float = 0.01

    def __post_init__(self) -> None:
        at_least(
            0, weight=self.weight, feature_matching=self.feature_matching, r1=self.r1, path_length=self.path_length
        )
        at_least(1, r1_every=self.r1_every, path_every=self.path_every, path_shrink=self.path_shrink)
        if not 0 < self.path_decay <= 1:
            raise OptionError(f"path_decay is above 0 and at most 1, not {self.path_decay}")


@dataclass(frozen=True)
class PhaseConfig:
    """Some steps at one size. A network grows by whole octaves from phase to phase (Karras et al. 2018 grew so)."""

    size: int
    steps: int
    batch: int
    accumulate: int = 1  # the batch is worked on in so many parts
    learning_rate: float = 1.0  # times the optimizer's
    warmup: int = 0  # steps over which the rate rises from 0
    schedule: str = "constant"
    final: float = 0.0  # of the rate that the cosine schedule ends with
    losses: tuple[LossConfig, ...] = ()  # in place of the run's own

    def __post_init__(self) -> None:
        choice("schedule", self.schedule, SCHEDULES)
        at_least(0, learning_rate=self.learning_rate, warmup=self.warmup, final=self.final)
        if self.steps < 1 or self.batch < 1 or self.accumulate < 1 or self.batch % self.accumulate:
            raise OptionError(
                f"a phase needs steps ≥ 1 and a batch that accumulate divides, not {self.steps} steps of {self.batch} "
                f"in {self.accumulate} parts"
            )


@dataclass(frozen=True)
class DataConfig:
    """``held_out``: share of the pictures kept for validation, whole groups of ``group_by`` (a key of the folder's
    manifest.json) at a time; no training picture resembles one of them (see ``split``). ``split_seed`` draws them, where
    it is not the run's own seed: a run that goes on from another one's weights holds out what that one did."""

    held_out: float = 0.05
    group_by: str = ""
    workers: int = 1
    split_seed: int | None = None

    def __post_init__(self) -> None:
        share(held_out=self.held_out)
        at_least(0, workers=self.workers, split_seed=self.split_seed or 0)


@dataclass(frozen=True)
class ValidationConfig:
    every: int = 1000
    count: int = 32  # pictures measured
    shown: int = 8  # of them in the sample grid

    def __post_init__(self) -> None:
        at_least(1, every=self.every, count=self.count, shown=self.shown)


@dataclass(frozen=True)
class SavingConfig:
    """Steps between training states, how many of them are kept, and steps between lines of the log."""

    every: int = 500
    keep: int = 3
    log_every: int = 20
    tensorboard: bool = True  # where it is installed

    def __post_init__(self) -> None:
        at_least(1, every=self.every, keep=self.keep, log_every=self.log_every)

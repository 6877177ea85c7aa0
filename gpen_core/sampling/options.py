"""What is to be sampled, checked when it is said."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError

# What torch.Generator takes, and ComfyUI's seed widgets give. On the CPU torch uses the lower 32 bits of it.
LARGEST_SEED = 2**64 - 1
FEWEST_STEPS = 2  # a strip has two ends


@dataclass(frozen=True)
class Sample:
    """One picture to be: its w lies ``share`` of the way from that of ``seed`` to that of ``to_seed``, and its features
    are those of ``noise_seed``."""

    seed: int
    to_seed: int
    share: float
    noise_seed: int


@dataclass(frozen=True)
class SampleOptions:
    """``count`` pictures of the seeds ``seed``, ``seed + 1``, … (after the largest comes 0); or, with ``to_seed``, a strip
    of ``count`` from ``seed`` to ``to_seed``, both included.

    ``truncation``: ψ of Karras et al. 2019 (arXiv 1812.04948, appendix B): 1 takes w as it is, 0 the mean w for every
    seed, what lies between trades variety for likelihood; 0.7 is usual. ``noise_seed``: whose features all pictures get;
    without it each has those of its own seed, and a strip those of its first. ``batch_size``: pictures at a time, or 0 to
    choose by the model's size.
    """

    seed: int = 0
    count: int = 1
    truncation: float = 0.7
    to_seed: int | None = None
    noise_seed: int | None = None
    batch_size: int = 0

    def __post_init__(self) -> None:
        for name in ("seed", "to_seed", "noise_seed"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= LARGEST_SEED:
                raise OptionError(f"{name} must be from 0 to {LARGEST_SEED}, not {value}")
        if self.count < 1:
            raise OptionError(f"count must be at least 1, not {self.count}")
        if self.to_seed is not None and self.count < FEWEST_STEPS:
            raise OptionError(f"a strip from one seed to another needs a count of at least {FEWEST_STEPS}")
        if not 0 <= self.truncation <= 1:
            raise OptionError(f"truncation must be from 0 (the mean style) to 1 (none), not {self.truncation}")
        if self.batch_size < 0:
            raise OptionError(f"batch_size must be at least 0 (automatic), not {self.batch_size}")

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The pictures in their order."""
        if self.to_seed is not None:
            noise_seed = self.seed if self.noise_seed is None else self.noise_seed
            return tuple(
                Sample(self.seed, self.to_seed, step / (self.count - 1), noise_seed) for step in range(self.count)
            )
        seeds = [(self.seed + index) % (LARGEST_SEED + 1) for index in range(self.count)]
        return tuple(Sample(seed, seed, 0.0, seed if self.noise_seed is None else self.noise_seed) for seed in seeds)

"""Sampling options, validated on construction."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError, check_numbers

# The range of torch.Generator and of ComfyUI's seed widgets. On the CPU, torch uses only the lower 32 bits.
LARGEST_SEED = 2**64 - 1
FEWEST_STEPS = 2  # an interpolation has two ends


@dataclass(frozen=True)
class Sample:
    """One image to generate.

    Attributes:
        seed: Seed of the style w.
        to_seed: Seed of the style interpolated to.
        share: Position between the two, in [0, 1].
        noise_seed: Seed of the features.
    """

    seed: int
    to_seed: int
    share: float
    noise_seed: int


@dataclass(frozen=True)
class SampleOptions:
    """What to sample.

    Attributes:
        seed: Seed of the first image; the next ones use seed + 1, seed + 2, … (wrapping around to 0).
        count: Number of images.
        truncation: ψ of Karras et al. 2019 (arXiv 1812.04948, appendix B). 1 = full variety, 0 = average face; 0.7 is a
            common choice.
        to_seed: Interpolate from ``seed`` to this one in ``count`` equal steps, both ends included.
        noise_seed: Use the features of this seed for all images. By default each image has those of its own seed, and
            an interpolation those of ``seed``.
        batch_size: Images generated at once; 0 = automatic.

    Raises:
        OptionError: A value is out of range.
    """

    seed: int = 0
    count: int = 1
    truncation: float = 0.7
    to_seed: int | None = None
    noise_seed: int | None = None
    batch_size: int = 0

    def __post_init__(self) -> None:
        check_numbers(self, "seed", "count", "truncation", "to_seed", "noise_seed", "batch_size")
        for name in ("seed", "to_seed", "noise_seed"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= LARGEST_SEED:
                raise OptionError(f"{name} must be from 0 to {LARGEST_SEED}, not {value}")
        if self.count < 1:
            raise OptionError(f"count must be at least 1, not {self.count}")
        if self.to_seed is not None and self.count < FEWEST_STEPS:
            raise OptionError(f"interpolating between seeds needs a count of at least {FEWEST_STEPS}")
        if not 0 <= self.truncation <= 1:
            raise OptionError(f"truncation must be from 0 (average face) to 1 (full variety), not {self.truncation}")
        if self.batch_size < 0:
            raise OptionError(f"batch_size must be at least 0 (automatic), not {self.batch_size}")

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The images to generate, in order."""
        first = int(self.seed)  # torch draws from no whole numbers of NumPy's
        noise = None if self.noise_seed is None else int(self.noise_seed)
        if self.to_seed is not None:
            last, noise = int(self.to_seed), first if noise is None else noise
            return tuple(Sample(first, last, step / (self.count - 1), noise) for step in range(self.count))
        seeds = [(first + index) % (LARGEST_SEED + 1) for index in range(self.count)]
        return tuple(Sample(seed, seed, 0.0, seed if noise is None else noise) for seed in seeds)

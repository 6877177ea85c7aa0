"""What a GPEN network looks like: everything that can be read off its weights, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError

SMALLEST = 4  # the encoder ends, and the generator starts, at 4×4
MAPPING_LR_MULTIPLIER = 0.01  # of every published model; the one number that cannot be read off the weights


def levels_of(size: int) -> int:
    """The number of resolutions 4, 8, … up to ``size``; ``size`` must be a power of two of at least 8."""
    if size < 8 or size & (size - 1):
        raise OptionError(f"a network's size must be a power of two of at least 8, not {size}")
    return size.bit_length() - 2


def published_channels(size: int, multiplier: int = 2, narrow: float = 1.0) -> tuple[int, ...]:
    """Channels at 4, 8, … ``size`` as every published model has them: 512 up to 32×32, then halving per octave."""
    at = {resolution: 512 for resolution in (4, 8, 16, 32)}
    at |= {resolution: 16384 // resolution * multiplier for resolution in (64, 128, 256, 512, 1024, 2048, 4096)}
    return tuple(int(at[SMALLEST << level] * narrow) for level in range(levels_of(size)))


@dataclass(frozen=True)
class GpenConfig:
    """Everything needed to build a :class:`Gpen`.

    ``channels[i]`` is the width at resolution ``4 << i``, up to ``output_size``. ``output_size`` is larger than
    ``input_size`` in the upscaling variant. ``concatenate`` tells whether encoder features are appended to the
    generator's (as in all published models) or added to them.
    """

    input_size: int
    output_size: int
    channels: tuple[int, ...]
    style_dim: int = 512
    mapping_layers: int = 8
    concatenate: bool = True

    def __post_init__(self) -> None:
        levels_of(self.input_size)
        if self.output_size < self.input_size:
            raise OptionError(f"output_size {self.output_size} is smaller than input_size {self.input_size}")
        if len(self.channels) != levels_of(self.output_size):
            raise OptionError(
                f"{len(self.channels)} channel counts given, {levels_of(self.output_size)} needed "
                f"for the resolutions 4 … {self.output_size}"
            )
        if min(self.channels) < 1 or self.style_dim < 1 or self.mapping_layers < 0:
            raise OptionError("channels and style_dim must be at least 1 and mapping_layers at least 0")

    @classmethod
    def published(
        cls,
        input_size: int,
        *,
        output_size: int | None = None,
        channel_multiplier: int = 2,
        narrow: float = 1.0,
        style_dim: int = 512,
        mapping_layers: int = 8,
        concatenate: bool = True,
    ) -> GpenConfig:
        """A configuration in the published code's own terms."""
        output_size = output_size or input_size
        channels = published_channels(output_size, channel_multiplier, narrow)
        return cls(input_size, output_size, channels, style_dim, mapping_layers, concatenate)

    @property
    def encoder_levels(self) -> int:
        return levels_of(self.input_size)

    @property
    def levels(self) -> int:
        return levels_of(self.output_size)

    @property
    def scale(self) -> int:
        """Output pixels per input pixel, along one side."""
        return self.output_size // self.input_size


@dataclass(frozen=True)
class DiscriminatorConfig:
    """``channels[i]`` is the width at resolution ``4 << i``, up to ``size``."""

    size: int
    channels: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.channels) != levels_of(self.size):
            raise OptionError(f"{len(self.channels)} channel counts given, {levels_of(self.size)} needed")

    @classmethod
    def published(cls, size: int, *, channel_multiplier: int = 2, narrow: float = 1.0) -> DiscriminatorConfig:
        return cls(size, published_channels(size, channel_multiplier, narrow))

"""What a GPEN network looks like: everything needed to build it, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError

SMALLEST = 4  # a published encoder ends, and its generator starts, at 4×4
MAPPING_LR_MULTIPLIER = 0.01  # of every published model; the one number that cannot be read off the weights
RESNET_WIDTH = 64  # channels after the first convolution of torchvision's ResNets

ENCODERS = ("fir", "resnet50", "resnet101")
MAPPINGS = ("equalised", "plain")
INJECTIONS = ("modulation", "adain")
UPSAMPLINGS = ("fir", "nearest")


def levels_of(size: int, start: int = SMALLEST) -> int:
    """The number of resolutions start, 2·start, … up to ``size``: powers of two, ``size`` at least twice ``start``."""
    if start < SMALLEST or start & (start - 1):
        raise OptionError(f"a generator's start must be a power of two of at least {SMALLEST}, not {start}")
    if size < 2 * start or size & (size - 1):
        raise OptionError(f"a network's size must be a power of two of at least {2 * start}, not {size}")
    return (size // start).bit_length()


def published_channels(size: int, multiplier: int = 2, narrow: float = 1.0, start: int = SMALLEST) -> tuple[int, ...]:
    """Channels at start, … ``size`` as every published model has them: 512 up to 32×32, then halving per octave."""
    sides = [start << level for level in range(levels_of(size, start))]
    return tuple(int((512 if side <= 32 else 16384 // side * multiplier) * narrow) for side in sides)


@dataclass(frozen=True)
class GpenConfig:
    """Everything needed to build a :class:`Gpen`.

    ``channels[i]`` is the width at resolution ``start << i``, up to ``output_size``. ``output_size`` is larger than
    ``input_size`` in the upscaling variant. ``concatenate`` tells whether encoder features are appended to the
    generator's (as in all published models) or added to them.

    The parts, of which the published family takes the first of each line and the resnet family the others:

    - ``encoder``: "fir" (blurred strided convolutions, whose features go to the generator), or "resnet50",
      "resnet101" (torchvision's, ``encoder_width`` channels wide at its first layer; a style code and no features).
    - ``mapping``: "equalised" (pixel normalization, equalised linear layers) or "plain" (linear layers as they are).
    - ``injection`` of the style: "modulation" (of each convolution's weights, StyleGAN2) or "adain" (adaptive instance
      normalization after each convolution, Huang & Belongie 2017).
    - ``upsampling``: "fir" (transposed convolution and FIR) or "nearest" (each pixel doubled, then the convolution).

    Raises OptionError for a network that could not be.
    """

    input_size: int
    output_size: int
    channels: tuple[int, ...]
    style_dim: int = 512
    mapping_layers: int = 8
    concatenate: bool = True
    encoder: str = "fir"
    mapping: str = "equalised"
    injection: str = "modulation"
    upsampling: str = "fir"
    start: int = SMALLEST
    encoder_width: int = RESNET_WIDTH

    def __post_init__(self) -> None:
        self._check_parts()
        levels = levels_of(self.output_size, self.start)
        if self.output_size < self.input_size:
            raise OptionError(f"output_size {self.output_size} is smaller than input_size {self.input_size}")
        if len(self.channels) != levels:
            raise OptionError(
                f"{len(self.channels)} channel counts given, {levels} needed "
                f"for the resolutions {self.start} … {self.output_size}"
            )
        if min(self.channels) < 1 or self.style_dim < 1 or self.mapping_layers < 0:
            raise OptionError("channels and style_dim must be at least 1 and mapping_layers at least 0")

    def _check_parts(self) -> None:
        parts = {"encoder": ENCODERS, "mapping": MAPPINGS, "injection": INJECTIONS, "upsampling": UPSAMPLINGS}
        for part, known in parts.items():
            if getattr(self, part) not in known:
                raise OptionError(f"{part}: one of {', '.join(known)} expected, not {getattr(self, part)!r}")
        if self.has_features:
            levels_of(self.input_size, self.start)
            if self.encoder_width != RESNET_WIDTH:
                raise OptionError("encoder_width is a ResNet's; the 'fir' encoder is as wide as channels says")
            return
        levels_of(
            self.input_size, 8
        )  # a ResNet halves five times: what is under 16 px would be one pixel before its end
        if self.concatenate:
            raise OptionError("a ResNet encoder gives a style code and no features to concatenate: concatenate = false")
        if self.encoder_width < 1:
            raise OptionError("encoder_width must be at least 1")

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

    @classmethod
    def resnet(
        cls,
        input_size: int,
        *,
        output_size: int | None = None,
        depth: int = 50,
        channels: tuple[int, ...] | None = None,
        channel_multiplier: int = 2,
        narrow: float = 1.0,
        style_dim: int = 512,
        mapping_layers: int = 2,
        start: int = 8,
        encoder_width: int = RESNET_WIDTH,
    ) -> GpenConfig:
        """The design that descriptions of GPEN-BFR-2048 give.

        A ResNet of ``depth`` 50 or 101 → 512-d latent → two linear layers → W → adaptive instance normalization in every
        block, 8×8 → … by nearest neighbor.
        """
        output_size = output_size or input_size
        channels = channels or published_channels(output_size, channel_multiplier, narrow, start)
        return cls(
            input_size, output_size, channels, style_dim, mapping_layers, concatenate=False, encoder=f"resnet{depth}",
            mapping="plain", injection="adain", upsampling="nearest", start=start, encoder_width=encoder_width,
        )  # fmt: skip

    @property
    def family(self) -> str:
        """One of "published", "resnet" and, where parts of both are combined, "mixed"."""
        parts = self.encoder[:6], self.mapping, self.injection, self.upsampling
        if parts == ("fir", "equalised", "modulation", "fir") and self.start == SMALLEST:
            return "published"
        return "resnet" if parts == ("resnet", "plain", "adain", "nearest") else "mixed"

    @property
    def joined(self) -> int:
        """How many times its own width a generator's layer has once its feature has joined it: 2 where that is appended."""
        return 2 if self.concatenate else 1

    @property
    def has_features(self) -> bool:
        """Whether the encoder's features go to the generator beside the style code."""
        return self.encoder == "fir"

    @property
    def encoder_levels(self) -> int:
        """The number of resolutions that features come in; 0 where there are none."""
        return levels_of(self.input_size, self.start) if self.has_features else 0

    @property
    def levels(self) -> int:
        """The number of the generator's resolutions."""
        return levels_of(self.output_size, self.start)

    @property
    def style_layers(self) -> int:
        """The number of w that the generator takes where each layer may have one of its own: 2·log2(S') − 2 as published."""
        return 2 * self.levels

    @property
    def scale(self) -> int:
        """Output pixels per input pixel, along one side."""
        return self.output_size // self.input_size

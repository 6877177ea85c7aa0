"""What a discriminator looks like."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError
from .config import levels_of, published_channels

KINDS = ("stylegan2", "patch")
PATCH_CHANNELS = (64, 128, 256, 512)  # C64-C128-C256-C512: the 70×70 PatchGAN (Isola et al. 2017, §6.1.2)
PATCH_SMALLEST = 64


def patch_map_sides(size: int, layers: int) -> tuple[int, ...]:
    """The sides of a PatchGAN's maps for a picture of ``size``: after each of its layers, then of its logits.

    4×4 convolutions with one pixel of zeros around, of stride 2 but for the last layer and the logits, as published.
    """
    sides = []
    for layer in range(layers + 1):
        size = size // 2 if layer < layers - 1 else size - 1
        sides.append(size)
    return tuple(sides)


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Everything needed for :func:`build_discriminator`.

    ``kind`` "stylegan2": ``channels[i]`` is the width at resolution ``4 << i``, up to ``size``. "patch": one PatchGAN
    for each of the sizes ``smallest``, 2·``smallest``, … ``size``, each with layers as wide as ``channels`` says.
    Raises OptionError for a network that could not be.
    """

    size: int
    channels: tuple[int, ...]
    kind: str = "stylegan2"
    smallest: int = PATCH_SMALLEST

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OptionError(f"kind: one of {', '.join(KINDS)} expected, not {self.kind!r}")
        levels = levels_of(self.size)
        if not self.channels or min(self.channels) < 1:
            raise OptionError("channels must be at least 1, and at least one must be given")
        if self.kind == "patch":
            self._check_patch()
        elif len(self.channels) != levels:
            raise OptionError(f"{len(self.channels)} channel counts given, {levels} needed")

    def _check_patch(self) -> None:
        if self.smallest & (self.smallest - 1) or not 8 <= self.smallest <= self.size:
            raise OptionError(f"smallest must be a power of two from 8 to {self.size}, not {self.smallest}")
        *_, last, logits = patch_map_sides(self.smallest, len(self.channels))
        if last < 2 or logits < 1:  # one pixel cannot be normalized
            raise OptionError(
                f"a picture of {self.smallest} px is too small for a PatchGAN of {len(self.channels)} layers: "
                "give fewer channels or a larger smallest size"
            )

    @classmethod
    def published(cls, size: int, *, channel_multiplier: int = 2, narrow: float = 1.0) -> DiscriminatorConfig:
        """StyleGAN2's, in the published code's own terms."""
        return cls(size, published_channels(size, channel_multiplier, narrow))

    @classmethod
    def patch(
        cls, size: int, *, channels: tuple[int, ...] = PATCH_CHANNELS, smallest: int = PATCH_SMALLEST
    ) -> DiscriminatorConfig:
        """Multi-scale PatchGAN at ``smallest`` (no larger than ``size``), … ``size``."""
        return cls(size, channels, "patch", min(smallest, size))

    @property
    def scales(self) -> tuple[int, ...]:
        """The sizes that a "patch" discriminator looks at, smallest first."""
        return tuple(self.smallest << level for level in range((self.size // self.smallest).bit_length()))

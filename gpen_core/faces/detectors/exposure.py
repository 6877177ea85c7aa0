"""What a detector sees of a badly exposed picture: faded, dark, washed out, or clipped to white.

Networks know faces in ordinary contrast. On prints of 15 % contrast and on pictures exposed at a twentieth, the built-in
detector misses four faces out of five, and none once the values are stretched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...imaging.luma import BT601
from ...imaging.morphology import reconstructed
from .shown import Shown

_TAIL = 0.01  # of the pixels on either side may be anything: a frame, a date, dust
_THIN_TAIL = 0.001
_POOR_SPREAD = 0.45  # of luma between the tails; of ordinary photographs it is at least 0.5
_USELESS_SPREAD = 0.9  # of the best channel: stretching changes nothing that a network would see
_CLIPPED, _CLIPPED_SHARE = 0.99, 0.1  # ordinary photographs: 1 % of the pixels
_BURNT_SHARE = 0.03  # ordinary photographs: 1 % of the pixels, but for a white ground, which reaches the border
_PALE = 0.25  # the darkest channel of over-exposed skin; a pure color has less
_DARK = 0.12  # the median's luma, of the range of nearly all: something bright is in a dark picture, a lamp or a window
_BRIGHT_TAIL = 0.05  # of the pixels: those are let go then
_SAMPLES = 8_192
_EIGHT_BIT_STEP = 1 / 255


@dataclass(frozen=True)
class Exposure:
    """How the values of a frame are spread, measured on some thousands of its pixels.

    Attributes:
        low: The value of each channel below which the lower tail lies.
        high: The value of each channel above which the upper tail lies.
        spread: Of luma, between tails of 1 %.
        is_dark: Whether most of the frame is dark, and little of it bright.
        cuts: Whether stretching cuts off values far from the others: something small may show in these only.
        clipped: Share of pale pixels whose brightest channel is clipped and whose darkest is not.
        burnt: Share of pixels in places of plain white that do not reach the frame's border.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    spread: float
    is_dark: bool
    cuts: bool
    clipped: float
    burnt: float

    @classmethod
    def of(cls, frame: Tensor) -> Exposure:
        """frame: [3, H, W] RGB in [0, 1]."""
        step = sample_step(frame.shape)
        small = frame[:, ::step, ::step].float().cpu()
        sample = small.flatten(1)
        luma = torch.tensor(BT601) @ sample
        values = torch.cat((sample, luma[None])).sort(dim=1).values  # [4, N]
        low, high, median = _at(values, _TAIL), _at(values, 1 - _TAIL), _at(values, 0.5)
        darkest, brightest = _at(values, _THIN_TAIL), _at(values, 1 - _THIN_TAIL)
        spread, whole = float(high[3] - low[3]), float(brightest[3] - darkest[3])
        is_dark = float(median[3] - darkest[3]) < _DARK * whole
        if is_dark:
            high = _at(values, 1 - _BRIGHT_TAIL)
        elif whole > 2 * spread:  # small things on an even ground: what would be cut off is what is looked for
            low, high = darkest, brightest
        cuts = float(values[3, -1] - values[3, 0]) > 2 * float(high[3] - low[3])
        least, most = sample.amin(0), sample.amax(0)
        clipped = (most > _CLIPPED) & (least > _PALE) & (least < _CLIPPED)
        return cls(
            tuple(low[:3].tolist()), tuple(high[:3].tolist()), spread, is_dark, cuts, float(clipped.float().mean()),
            _burnt(small),
        )  # fmt: skip

    @property
    def is_poor(self) -> bool:
        """Faded, dark, washed out, or lit in a single color: faces are looked for in the stretched frame."""
        return _EIGHT_BIT_STEP < self.spread < _POOR_SPREAD  # an empty frame has nothing to stretch

    @property
    def is_clipped(self) -> bool:
        """Over-exposed in the brightest channel, which on skin is red: another one may still show the face."""
        return self.clipped > _CLIPPED_SHARE

    @property
    def is_over(self) -> bool:
        """Over-exposed, in color or in gray: faces are doubtful in it, and are looked for in several renderings."""
        return self.is_clipped or self.burnt > _BURNT_SHARE

    @property
    def gains(self) -> bool:
        """Whether stretching would change what a network sees."""
        return _EIGHT_BIT_STEP < max(self._spreads) < _USELESS_SPREAD

    def stretched(self, frame: Tensor) -> Tensor:
        """The frame [3, H, W] with what lies between the tails of each channel brought to [0, 1]."""
        widest = max(*self._spreads, _EIGHT_BIT_STEP)
        factors = [1 / max(spread, widest / 8) for spread in self._spreads]  # a channel of noise stays small
        low, factor = (torch.tensor(values, device=frame.device)[:, None, None] for values in (self.low, factors))
        return ((frame - low) * factor).clamp_(0, 1)

    @staticmethod
    def darkest(frame: Tensor) -> Tensor:
        """The darkest channel of each pixel as gray [3, H, W]."""
        return frame.amin(0, keepdim=True).expand(3, -1, -1)

    @property
    def _spreads(self) -> list[float]:
        return [high - low for low, high in zip(self.low, self.high, strict=True)]


def exposure_of(frame: Shown) -> Exposure:
    """How a frame is exposed, as it is shown."""
    return Exposure.of(frame.sample(sample_step(frame.shape)))


def sample_step(shape: Sequence[int]) -> int:
    """Of every how many rows and columns of a frame [C, H, W] a pixel is looked at; of what that leaves, all."""
    return max(1, math.isqrt(shape[-2] * shape[-1] // _SAMPLES))


def _burnt(sample: Tensor) -> float:
    """sample: [3, h, w] → the share of white places that do not reach the border, as a white ground does."""
    white = (sample.amin(0, keepdim=True) > _CLIPPED).float()
    if not white.mean() > _BURNT_SHARE:
        return 0.0
    border = torch.ones_like(white)
    border[:, 1:-1, 1:-1] = 0
    return float((white - reconstructed(border, white)).mean())


def _at(values: Tensor, share: float) -> Tensor:
    """values: [N, M], sorted → the value of each row below which this share of it lies."""
    return values[:, round(share * (values.shape[1] - 1))]

"""Match the colors of a restored face to the original."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType

import torch
from torch import Tensor

from ..errors import OptionError
from ..geometry import size_of
from .blur import gaussian_blur
from .color_methods import COLOR_METHODS
from .warp import resize_filtered

# From linear sRGB to XYZ (IEC 61966-2-1, D65), its inverse, and its white.
_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_RGB = (
    (3.24048134320, -1.53715151627, -0.49853632617),
    (-0.96925494999, 1.87599000149, 0.04155592655),
    (0.05564663914, -0.20404133837, 1.05731106965),
)
_WHITE = (0.95047, 1.0, 1.08883)
_BEND, _BENT = 0.0031308, 0.04045  # where sRGB's power turns into a line, in linear and in coded numbers
_KNEE, _SLOPE = 6 / 29, 841 / 108  # where the cube root of CIE 15:2004 turns into a line, and how steep that is
_SAMPLES = 2**15  # pixels, evenly spread: of a larger face, they tell the mean to a few hundredths of a step of 8 bits
_AT_ONCE = 2**15  # pixels: a few copies of them fit the cache of one core
_LOW_FREQUENCIES = (
    1 / 32
)  # standard deviation of their Gaussian, as a share of the crop's side: lighting, but no features
_ENOUGH = 8  # pixels a standard deviation: on more, a Gaussian is no smoother
_MOST_STRETCH = 2.0  # a flat original (fog, a white face) would otherwise have its statistics forced upon the restored


def match_color(
    restored: Tensor, original: Tensor, weight: Tensor, method: str, crop_side: int | None = None
) -> Tensor:
    """Match the colors of a restored face to those of the original.

    Statistics are matched in CIE Lab (Reinhard et al. 2001).

    Args:
        restored: [3, H, W] RGB in [0, 1].
        original: [3, H, W] RGB in [0, 1], of the same size.
        weight: [1, H, W], how much each pixel counts.
        method: "off"; "mean" matches the mean of each channel; "mean_std" also matches the standard deviation; "luminance"
            matches the mean of L only and leaves hue and saturation; "wavelet" takes all low frequencies, in RGB, from the
            original, so that uneven lighting is kept as well.
        crop_side: Side of the whole crop in these pixels, if the images are only a part of it.

    Returns:
        [3, H, W] RGB in [0, 1].

    Raises:
        OptionError: Unknown method.
    """
    if method not in COLOR_METHODS:
        raise OptionError(f"unknown color matching method '{method}'. Known: {', '.join(COLOR_METHODS)}.")
    return _MATCHED_BY[method](restored, original, weight, crop_side or restored.shape[-1])


def _off(restored: Tensor, original: Tensor, weight: Tensor, side: int) -> Tensor:
    return restored


def _mean(restored: Tensor, original: Tensor, weight: Tensor, side: int) -> Tensor:
    return _matched(restored, original, weight, _shifting)


def _mean_std(restored: Tensor, original: Tensor, weight: Tensor, side: int) -> Tensor:
    return _matched(restored, original, weight, _stretching)


def _luminance(restored: Tensor, original: Tensor, weight: Tensor, side: int) -> Tensor:
    return _matched(restored, original, weight, _brightening)


def _wavelet(restored: Tensor, original: Tensor, weight: Tensor, side: int) -> Tensor:
    return (restored + _low_frequencies(original - restored, _LOW_FREQUENCIES * side)).clamp_(0, 1)


_MATCHED_BY: MappingProxyType[str, Callable[[Tensor, Tensor, Tensor, int], Tensor]] = MappingProxyType(
    dict(zip(COLOR_METHODS, (_off, _mean, _mean_std, _luminance, _wavelet), strict=True))
)


def _low_frequencies(picture: Tensor, sigma: float) -> Tensor:
    """[3, H, W] → the same, blurred, in a smaller copy where that does as well."""
    factor = max(1.0, sigma / _ENOUGH)
    height, width = size_of(picture)
    small = resize_filtered(picture[None], (max(1, round(height / factor)), max(1, round(width / factor))), "bilinear")
    return resize_filtered(gaussian_blur(small, sigma / factor), (height, width), "bicubic")[0]


def _matched(
    restored: Tensor,
    original: Tensor,
    weight: Tensor,
    match: Callable[[Tensor, Tensor, Tensor], Callable[[Tensor], Tensor]],
) -> Tensor:
    """Match statistics without converting to Lab, which is an affine map of the compressed XYZ below.

    ``match`` takes compressed pixels [3, N] of both images and weights [1, N], and returns the change to apply.
    """
    weights = _sampled(weight).flatten(1)
    if not weights.any():
        return restored
    compressed = _piecewise(_compressed, restored)
    change = match(_sampled(compressed).flatten(1), _compressed(_sampled(original).flatten(1)), weights)
    return _piecewise(lambda part: _decompressed(change(part)), compressed)


def _shifting(now: Tensor, wanted: Tensor, weights: Tensor) -> Callable[[Tensor], Tensor]:
    shift = _average(wanted, weights) - _average(now, weights)
    return lambda part: part + shift


def _brightening(now: Tensor, wanted: Tensor, weights: Tensor) -> Callable[[Tensor], Tensor]:
    """The same shift for f(X/Xn), f(Y/Yn) and f(Z/Zn) moves L, and leaves a and b, their differences, where they are."""
    shift = _average(wanted[1:2], weights) - _average(now[1:2], weights)
    return lambda part: part + shift


def _stretching(now: Tensor, wanted: Tensor, weights: Tensor) -> Callable[[Tensor], Tensor]:
    lab = _lab().to(now)
    mean, deviation = _statistics(lab @ now, weights)
    wanted_mean, wanted_deviation = _statistics(lab @ wanted, weights)
    gain = (wanted_deviation / deviation.clamp_min(1e-3)).clamp(1 / _MOST_STRETCH, _MOST_STRETCH)
    back = torch.linalg.inv(lab)
    turn, shift = back @ (gain * lab), back @ (wanted_mean - gain * mean)
    return lambda part: torch.addmm(shift, turn, part)


def _piecewise(function: Callable[[Tensor], Tensor], picture: Tensor) -> Tensor:
    """``function`` of pixels [3, N], for all of a picture [3, H, W], as many at a time as the processor's cache holds."""
    pixels = picture.flatten(1)
    if pixels.shape[1] <= _AT_ONCE:
        return function(pixels).view_as(picture)
    result = torch.empty_like(pixels)
    for source, target in zip(pixels.split(_AT_ONCE, 1), result.split(_AT_ONCE, 1), strict=True):
        target.copy_(function(source))
    return result.view_as(picture)


def _sampled(picture: Tensor) -> Tensor:
    """All pixels of a small image [C, H, W], an evenly spaced subset of a large one."""
    step = max(1, round(math.sqrt(picture[0].numel() / _SAMPLES)))
    return picture[:, ::step, ::step]


def _average(values: Tensor, weights: Tensor) -> Tensor:
    """[3, N], [1, N] → [3, 1]."""
    return (values * weights).sum(1, keepdim=True) / weights.sum()


def _statistics(lab: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation of each channel: [3, N], [1, N] → two of [3, 1]."""
    mean = _average(lab, weights)
    return mean, _average((lab - mean).square(), weights).sqrt()


def _lab() -> Tensor:
    """The matrix [3, 3] from compressed XYZ to Lab, without the offset of 16 in L (CIE 15:2004, section 8.2.1)."""
    return torch.tensor([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])


# Each curve below is a power above a threshold and a line below it. It is computed as the sum of the power of the values
# clamped from below and the line of the values clamped from above: torch.where would take as long as all the rest together.


def _compressed(rgb: Tensor) -> Tensor:
    """From sRGB [3, N] in [0, 1] to f(X/Xn), f(Y/Yn), f(Z/Zn) [3, N], the basis of Lab."""
    linear = _power(rgb.clamp_min(_BENT).add_(0.055).mul_(1 / 1.055), 2.4)
    linear.add_(rgb.clamp_max(_BENT).sub_(_BENT), alpha=1 / 12.92)
    xyz = rgb.new_tensor([[part / white for part in row] for row, white in zip(_XYZ, _WHITE, strict=True)]) @ linear
    return _power(xyz.clamp_min(_KNEE**3), 1 / 3).add_(xyz.clamp_max_(_KNEE**3).sub_(_KNEE**3), alpha=_SLOPE)


def _decompressed(compressed: Tensor) -> Tensor:
    """The inverse, clamped to [0, 1]."""
    xyz = compressed.clamp_min(_KNEE).pow_(3).add_(compressed.clamp_max(_KNEE).sub_(_KNEE), alpha=1 / _SLOPE)
    linear = (
        compressed.new_tensor([[part * white for part, white in zip(row, _WHITE, strict=True)] for row in _RGB]) @ xyz
    )
    rgb = _power(linear.clamp_min(_BEND), 1 / 2.4).mul_(1.055).sub_(0.055)
    return rgb.add_(linear.clamp_max_(_BEND).sub_(_BEND), alpha=12.92).clamp_(0, 1)


def _power(x: Tensor, exponent: float) -> Tensor:
    """In place, of numbers above 0: 60 % of the time of torch's own, and as good to a few units of the last place."""
    return x.log2_().mul_(exponent).exp2_()

"""Bring a restored face's colours back to those of the picture it goes into."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType

import torch
from torch import Tensor

from ..errors import OptionError

_KNEE, _SLOPE = 6 / 29, 841 / 108  # where the cube root of CIE 15:2004 turns into a line, and how steep that is
_SAMPLES = 2**15  # pixels, evenly spread: of a larger face, they tell the mean to a few hundredths of a step of 8 bits
_AT_ONCE = 2**15  # pixels: a few copies of them fit the cache of one core
_MOST_STRETCH = 2.0  # a flat original (fog, a white face) would otherwise have its statistics forced upon the restored


def match_color(restored: Tensor, original: Tensor, weight: Tensor, method: str) -> Tensor:
    """Shift (and stretch) ``restored`` [3, H, W] RGB in [0, 1] to the Lab statistics of ``original``, of the same size.

    ``weight`` [1, H, W] says which pixels count. ``method``: "off"; "mean" shifts each channel's mean; "mean_std" also
    matches the standard deviation (Reinhard et al. 2001, in CIE Lab).
    """
    if method not in COLOR_METHODS:
        raise OptionError(f"unknown colour matching '{method}'. Known: {', '.join(COLOR_METHODS)}.")
    return COLOR_METHODS[method](restored, original, weight)


def _off(restored: Tensor, original: Tensor, weight: Tensor) -> Tensor:
    return restored


def _mean(restored: Tensor, original: Tensor, weight: Tensor) -> Tensor:
    return _in_lab(restored, original, weight, stretch=False)


def _mean_std(restored: Tensor, original: Tensor, weight: Tensor) -> Tensor:
    return _in_lab(restored, original, weight, stretch=True)


COLOR_METHODS: MappingProxyType[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = MappingProxyType(
    {"off": _off, "mean": _mean, "mean_std": _mean_std}
)


def _in_lab(restored: Tensor, original: Tensor, weight: Tensor, *, stretch: bool) -> Tensor:
    """What happens to Lab here is affine, and so is Lab of the compressed XYZ below: one affine map of these does it all."""
    weights = _sampled(weight).flatten(1)
    if not weights.any():
        return restored
    lab = _lab().to(restored)
    now = _piecewise(_compressed, restored)
    mean, deviation = _statistics(lab @ _sampled(now).flatten(1), weights)
    wanted_mean, wanted_deviation = _statistics(lab @ _compressed(_sampled(original).flatten(1)), weights)
    gain = torch.ones_like(mean)
    if stretch:
        gain = (wanted_deviation / deviation.clamp_min(1e-3)).clamp(1 / _MOST_STRETCH, _MOST_STRETCH)
    back = torch.linalg.inv(lab)
    turn, shift = back @ (gain * lab), back @ (wanted_mean - gain * mean)
    return _piecewise(lambda part: _decompressed(torch.addmm(shift, turn, part)), now)


def _piecewise(function: Callable[[Tensor], Tensor], picture: Tensor) -> Tensor:
    """``function`` of pixels [3, N], for all of a picture [3, H, W], as many at a time as the processor's cache holds."""
    result = picture.new_empty(picture.shape)
    parts = (layers.flatten(1).split(_AT_ONCE, 1) for layers in (picture, result))
    for source, target in zip(*parts, strict=True):
        target.copy_(function(source))
    return result


def _sampled(picture: Tensor) -> Tensor:
    """Every pixel of a small picture [C, H, W], and of a large one enough of them, evenly spread."""
    step = max(1, round(math.sqrt(picture[0].numel() / _SAMPLES)))
    return picture[:, ::step, ::step]


def _statistics(lab: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation of each channel. [3, N], [1, N] → twice [3, 1]"""
    total = weight.sum()
    mean = (lab * weight).sum(1, keepdim=True) / total
    variance = ((lab - mean).square() * weight).sum(1, keepdim=True) / total
    return mean, variance.sqrt()


def _lab() -> Tensor:
    """From compressed XYZ to Lab, but for the 16 that L is lower by. [3, 3] (CIE 15:2004, section 8.2.1)"""
    return torch.tensor([[0.0, 116.0, 0.0], [500.0, -500.0, 0.0], [0.0, 200.0, -200.0]])


def _to_xyz() -> Tensor:
    """From linear sRGB to XYZ by the white's. [3, 3] (IEC 61966-2-1, D65)"""
    matrix = torch.tensor(
        [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]],
        dtype=torch.float64,
    )
    return matrix / torch.tensor([[0.95047], [1.0], [1.08883]], dtype=torch.float64)


# Below, a power of a negative number is NaN and is never the one that is chosen.


def _compressed(rgb: Tensor) -> Tensor:
    """sRGB [3, N] in [0, 1] → f(X/Xn), f(Y/Yn), f(Z/Zn), of which Lab is made. [3, N]"""
    curved = (rgb + 0.055).mul_(1 / 1.055).pow_(2.4)
    xyz = _to_xyz().to(rgb) @ torch.where(rgb > 0.04045, curved, rgb / 12.92)
    return torch.where(xyz > _KNEE**3, xyz.pow(1 / 3), (xyz * _SLOPE).add_(16 / 116))


def _decompressed(compressed: Tensor) -> Tensor:
    """The way back, clamped to [0, 1]."""
    xyz = torch.where(compressed > _KNEE, compressed.pow(3), (compressed - 16 / 116).mul_(1 / _SLOPE))
    linear = torch.linalg.inv(_to_xyz()).to(xyz) @ xyz
    curved = linear.pow(1 / 2.4).mul_(1.055).sub_(0.055)
    return torch.where(linear > 0.0031308, curved, linear * 12.92).clamp_(0, 1)

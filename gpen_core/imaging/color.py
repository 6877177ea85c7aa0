"""Bring a restored face's colours back to those of the picture it goes into."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import torch
from torch import Tensor

from ..errors import OptionError

_MOST_STRETCH = 2.0  # a flat original (fog, a white face) would otherwise have its statistics forced upon the restored


def match_color(restored: Tensor, original: Tensor, weight: Tensor, method: str) -> Tensor:
    """Shift (and stretch) ``restored`` [3, S, S] RGB in [0, 1] to the Lab statistics of ``original``, of the same size.

    ``weight`` [1, S, S] says which pixels count. ``method``: "off"; "mean" shifts each channel's mean; "mean_std" also
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
    from kornia.color import lab_to_rgb, rgb_to_lab

    if float(weight.sum()) < 1:
        return restored
    lab = rgb_to_lab(restored[None])[0]
    mean, deviation = _statistics(lab, weight)
    wanted_mean, wanted_deviation = _statistics(rgb_to_lab(original[None])[0], weight)
    if stretch:
        gain = (wanted_deviation / deviation.clamp_min(1e-3)).clamp(1 / _MOST_STRETCH, _MOST_STRETCH)
    else:
        gain = torch.ones_like(deviation)
    return lab_to_rgb(((lab - mean) * gain + wanted_mean)[None])[0].clamp(0, 1)


def _statistics(lab: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and standard deviation of each channel. [3, S, S] → twice [3, 1, 1]"""
    total = weight.sum()
    mean = (lab * weight).sum((1, 2), keepdim=True) / total
    variance = ((lab - mean).square() * weight).sum((1, 2), keepdim=True) / total
    return mean, variance.sqrt()

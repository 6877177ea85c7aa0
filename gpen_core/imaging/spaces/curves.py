"""Transfer curves: from a channel's stored value to light, and back, both in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

_STEPS = 1 << 16  # of a table, between which values are interpolated
_Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Curve:
    """A rising curve, as tables.

    Attributes:
        light: Of stored values in even steps.
        stored: Of light, in even steps of its square root: dark values need the finest.
    """

    light: Tensor
    stored: Tensor

    @classmethod
    def of(cls, function: _Function) -> Curve:
        """``function``: float64 in [0, 1], stored values → light."""
        steps = np.linspace(0, 1, _STEPS)
        light = np.maximum.accumulate(np.clip(np.nan_to_num(function(steps)), 0, 1))
        stored = np.interp(steps**2, light, steps)
        return cls(torch.from_numpy(light.astype(np.float32)), torch.from_numpy(stored.astype(np.float32)))

    def to_light(self, values: Tensor) -> Tensor:
        """Stored values in [0, 1], of any shape."""
        return _looked_up(self.light, values)

    def to_stored(self, light: Tensor) -> Tensor:
        """Light in [0, 1], of any shape."""
        return _looked_up(self.stored, light.sqrt())


def _looked_up(table: Tensor, places: Tensor) -> Tensor:
    scaled = (places * (_STEPS - 1)).clamp_(0, _STEPS - 1)
    below = scaled.long().clamp_(max=_STEPS - 2)
    return torch.lerp(table[below], table[below + 1], scaled - below)


def power(gamma: float) -> _Function:
    """A pure power."""
    return lambda values: values**gamma


def table(samples: np.ndarray) -> _Function:
    """Samples in even steps, between which lines are drawn."""
    return lambda values: np.interp(values, np.linspace(0, 1, len(samples)), samples)


def parametric(kind: int, parameters: tuple[float, ...]) -> _Function:
    """ICC's parametric curves, types 0 … 4 (ICC.1:2022, 10.18)."""
    g, a, b, c, d, e, f = (*parameters, *([0.0] * 7))[:7]
    if kind == 0:
        return power(g)
    if kind in (1, 2):
        add = c if kind == 2 else 0.0
        return lambda x: np.where(x >= -b / a, np.maximum(a * x + b, 0) ** g, 0) + add
    add, below = (e, f) if kind == 4 else (0.0, 0.0)
    return lambda x: np.where(x >= d, np.maximum(a * x + b, 0) ** g + add, c * x + below)


def srgb(values: np.ndarray) -> np.ndarray:
    """SRGB's own (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def bt709(values: np.ndarray) -> np.ndarray:
    """Of BT.709, BT.601 and BT.2020: what their cameras do, undone."""
    return np.where(values < 0.081, values / 4.5, ((values + 0.099) / 1.099) ** (1 / 0.45))


def pq(values: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084, of which 203 cd/m² are white (BT.2408): what is brighter is white, too."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    powered = values ** (1 / m2)
    return (np.maximum(powered - c1, 0) / (c2 - c3 * powered)) ** (1 / m1) * 10000 / 203


def hlg(values: np.ndarray) -> np.ndarray:
    """Hybrid log-gamma (BT.2100), of which 75 % are white."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    return (scene / 0.26496256) ** 1.2


@cache
def srgb_curve() -> Curve:
    """sRGB's, as tables."""
    return Curve.of(srgb)

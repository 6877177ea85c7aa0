"""Pictures taken in too little light: noise of photons and of reading, most of it in the shadows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .degrade import Pixels

_GAMMA = 2.2


@dataclass(frozen=True)
class Sensor:
    """A small camera's.

    Attributes:
        well: Electrons of a full pixel.
        read: Electrons of noise with which it is read.
    """

    well: float = 4000.0
    read: float = 4.0


def underexposed(scene: Pixels, stops: float) -> Pixels:
    """scene: RGB in [0, 1], any shape → the same, exposed ``stops`` too short in linear light, without noise."""
    dark: Pixels = (_linear(scene, stops) ** (1 / _GAMMA)).astype(np.float32)
    return dark


def in_low_light(scene: Pixels, stops: float, sensor: Sensor, random: np.random.Generator) -> Pixels:
    """``underexposed`` as a sensor sees it, in 8 bits."""
    light = _linear(scene, stops) * sensor.well
    electrons: NDArray[np.float64] = random.poisson(light) + random.normal(0, sensor.read, scene.shape)
    seen = np.clip(electrons / sensor.well, 0, 1) ** (1 / _GAMMA)
    return (np.round(seen * 255) / 255).astype(np.float32)


def _linear(scene: Pixels, stops: float) -> Pixels:
    return np.clip(scene, 0, 1) ** _GAMMA * 2.0**-stops

"""Degradations that no recipe for restoring draws, one at a time, from mild to hard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from .degrade import Pixels, degrade
from .kernels import disc_kernel
from .low_light import Sensor, in_low_light
from .recipe import REFERENCE_SIZE, Degradation


@dataclass(frozen=True)
class Other:
    """``levels`` from mild to hard; ``of`` a face [S, S, 3] RGB in [0, 1], a level and a source of noise."""

    label: str
    levels: tuple[float, ...]
    of: Callable[[Pixels, float, np.random.Generator], Pixels]


def _motion(face: Pixels, level: float, random: np.random.Generator) -> Pixels:
    angle = random.uniform(-np.pi, np.pi)
    return degrade(face, Degradation(blur="motion", length=level, angle=angle, kernel=97), random).low


def _bicubic(face: Pixels, level: float, random: np.random.Generator) -> Pixels:
    return degrade(face, Degradation(downsample=level, shrinking="bicubic", enlarging="bicubic"), random).low


def _defocus(face: Pixels, level: float, random: np.random.Generator) -> Pixels:
    import cv2

    return np.clip(cv2.filter2D(face, -1, disc_kernel(level * face.shape[0] / REFERENCE_SIZE)), 0, 1)


def _low_light(face: Pixels, level: float, random: np.random.Generator) -> Pixels:
    return in_low_light(face, level, Sensor(), random)


OTHERS = MappingProxyType(
    {
        "motion blur": Other("length in pixels of a 512 px crop", (5, 10, 18, 28, 41), _motion),
        "bicubic": Other("factor", (2, 3, 4, 6, 8), _bicubic),
        "defocus": Other("radius in pixels of a 512 px crop", (2, 4, 6, 9, 13), _defocus),
        "low light": Other("stops", (1, 2, 3, 4, 5), _low_light),
    }
)

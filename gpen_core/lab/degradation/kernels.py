"""Blur kernels, [k, k] float64, summing to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def gaussian_kernel(side: int, sigma: tuple[float, float], angle: float) -> NDArray[np.float64]:
    """A Gaussian of standard deviation ``sigma[0]`` along ``angle`` and ``sigma[1]`` across it, in pixels; cut at ``side``."""
    along, across = _rotated(side, angle)
    kernel = np.exp(-0.5 * ((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2))
    return kernel / kernel.sum()


def motion_kernel(side: int, length: float, angle: float) -> NDArray[np.float64]:
    """A line of ``length`` pixels through the middle, one pixel wide with soft edges; cut at ``side``."""
    along, across = _rotated(side, angle)
    kernel = np.clip((length + 1) / 2 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return kernel / kernel.sum()


def disc_kernel(radius: float) -> NDArray[np.float64]:
    """A lens out of focus: an even disc of ``radius`` pixels with a soft rim."""
    reach = int(np.ceil(radius + 0.5))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return kernel / kernel.sum()


def _rotated(side: int, angle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates of every pixel along ``angle`` (radians, from x towards y) and across it, from the middle."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)

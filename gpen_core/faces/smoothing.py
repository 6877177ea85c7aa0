"""Landmarks without the detector's jitter: polynomials fitted along a track, as wide in time as the motion allows.

A fit of the second degree around each frame (Savitzky and Golay 1964) has no lag: a face that moves, or moves ever faster, is
where it was seen. How many frames it takes is chosen for each frame by Lepski's rule (Goldenshluger and Nemirovski 1997): the
most whose result is within the noise of what fewer give. Glitches of a single frame are left out (Tukey's biweight), and frames
in which the face was missed are filled from both sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..types import Face
from .tracking import size_of_face

Array = NDArray[np.float64]
_COORDINATES = 10  # of the landmarks; those of the box come after
_DEGREE = 2
_TRUST = 1.6  # standard deviations by which results of two windows may differ
_PRIOR = 0.008  # noise of a detector's landmarks, as a share of the face's size, until a track is long enough to tell
_PRIOR_WEIGHT = 6  # frames for which that counts
_LEAST_NOISE, _MOST_NOISE = 0.001, 0.03
_BIWEIGHT = 4.685  # Tukey's constant: 95 % as good as least squares where noise is Gaussian
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Sight:
    """A face of a track, as numbers: ``place`` [14] holds the landmarks' ten coordinates and the box's four."""

    frame: int
    face: Face
    place: Array

    @classmethod
    def of(cls, face: Face) -> Sight:
        """As it was found."""
        return cls(face.frame, face, np.array([*(v for point in face.landmarks for v in point), *face.box]))


def smoothed_at(frame: int, sights: Sequence[Sight], reach: int) -> Face | None:
    """Where a face is in a frame.

    Args:
        frame: Its number.
        sights: Of one track, in the order of their frames: those before and after, as far as they are known.
        reach: Frames to each side that may be taken.

    Returns:
        The face, filled in where it was missed in this very frame; None where the track does not reach both sides of it.
    """
    sights = list(sights)
    near = [sight for sight in sights if abs(sight.frame - frame) <= reach]
    if not near or not near[0].frame <= frame <= near[-1].frame:
        return None
    at = np.array([sight.frame - frame for sight in near], dtype=np.float64)
    places = np.stack([sight.place for sight in near])
    own = next((sight.face for sight in near if sight.frame == frame), None)
    size = size_of_face(own or near[0].face)
    place = _fitted(at, places, noise_of(sights) if len(sights) > 1 else 0.0, size)
    template = own or replace(min(near, key=lambda sight: abs(sight.frame - frame)).face, frame=frame)
    numbers = place.tolist()
    a, b, c, d, e = ((numbers[i], numbers[i + 1]) for i in range(0, _COORDINATES, 2))
    x0, y0, x1, y1 = numbers[_COORDINATES:]
    return replace(template, box=(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)), landmarks=(a, b, c, d, e))


def noise_of(sights: Sequence[Sight]) -> float:
    """Standard deviation of the landmarks' noise, in pixels: what is left of them after three differences.

    Motion is smooth, so that little of it passes the third difference; of noise, √20 times as much as there is.
    """
    size = float(np.median([size_of_face(sight.face) for sight in sights]))
    prior = _PRIOR * size
    runs = [
        np.diff(np.stack([sight.place[:_COORDINATES] for sight in four]), 3, axis=0)[0]
        for four in zip(sights, sights[1:], sights[2:], sights[3:], strict=False)
        if four[3].frame - four[0].frame == 3
    ]
    if not runs:
        return prior
    found = np.median([math.sqrt(float(np.mean(run**2))) for run in runs]) / math.sqrt(20)
    weight = len(runs) / (len(runs) + _PRIOR_WEIGHT)
    mixed = weight * float(found) + (1 - weight) * prior
    return min(max(mixed, _LEAST_NOISE * size), _MOST_NOISE * size)


def _fitted(at: Array, places: Array, noise: float, size: float) -> Array:
    """[14] at time 0, from sights [n, 14] at other times."""
    if len(at) == 1 or not noise:
        return places[int(np.abs(at).argmin())]
    weights = _weights(at, places, noise)
    reach = int(np.abs(at).max())
    widths = [width for width in range(0, reach + 1) if _enough(at, weights, width)]
    found: list[tuple[Array, float]] = []
    for width in widths:
        inside = np.abs(at) <= width
        value, gain = _fit(at[inside], places[inside], weights[inside])
        for earlier, spread in found:
            gap = math.sqrt(float(np.mean((value - earlier)[:_COORDINATES] ** 2)))
            if gap > _TRUST * noise * math.sqrt(spread):
                return found[-1][0]
        found.append((value, gain))
    if not found:
        return _fit(at, places, np.ones_like(at))[0]
    return found[-1][0]


def _enough(at: Array, weights: Array, width: int) -> bool:
    """Whether a window says where the face is: something is in it, and where its own frame is missing, on both sides."""
    inside = (np.abs(at) <= width) & (weights > 0.05)
    if not inside.any():
        return False
    times = at[inside]
    return bool(times.min() <= 0 <= times.max())


def _fit(at: Array, places: Array, weights: Array) -> tuple[Array, float]:
    """Value at time 0 [D] of a polynomial fitted to all, and what it keeps of the noise's variance."""
    kept = int((weights > 0.05).sum())
    # A line through three points, a parabola from five on: at the end of a track, a parabola would swing with the noise.
    one_sided = at.min() == 0 or at.max() == 0
    degree = 0 if kept < 2 else 1 if kept < 5 or (one_sided and kept < 7) else _DEGREE
    powers = np.vander(at, degree + 1, increasing=True)
    normal = powers.T @ (powers * weights[:, None]) + 1e-9 * np.eye(degree + 1)
    row = np.linalg.solve(normal, (powers * weights[:, None]).T)[0]
    return row @ places, float(row @ row)


def _weights(at: Array, places: Array, noise: float) -> Array:
    """[n] in [0, 1]: 0 for glitches."""
    weights = np.ones_like(at)
    if len(at) < 5:
        return weights
    powers = np.vander(at, _DEGREE + 1, increasing=True)
    points = places[:, :_COORDINATES]
    for _ in range(_ROUNDS):
        normal = powers.T @ (powers * weights[:, None]) + 1e-9 * np.eye(_DEGREE + 1)
        fitted = powers @ np.linalg.solve(normal, (powers * weights[:, None]).T @ points)
        off = np.sqrt(np.mean((points - fitted) ** 2, axis=1))
        scale = _BIWEIGHT * max(noise, float(np.median(off)))
        weights = np.clip(1 - (off / scale) ** 2, 0, 1) ** 2
    return weights

"""Landmarks on a smooth path, without lag.

Polynomials of the second degree are fitted around each frame (Savitzky and Golay 1964). How many frames are taken is chosen
for each by Lepski's rule (Goldenshluger and Nemirovski 1997): the most whose result is within the noise of what fewer give.
Glitches of a single frame are left out (Tukey's biweight), and frames in which the face was missed are filled from both sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..types import Face
from .carrying import COORDINATES, Array, Sight, as_face
from .places import size_of_face

_DEGREE = 2
_PRIOR_WEIGHT = 6  # frames for which that counts
_BIWEIGHT = 4.685  # Tukey's constant: 95 % as good as least squares where noise is Gaussian
_ROUNDS = 3


@dataclass(frozen=True)
class Jitter:
    """What is known beforehand of the noise of landmarks. Shares are of the face's size.

    Attributes:
        usual: Its standard deviation, until the track is long enough to tell.
        least: It is never taken for less.
        most: It is never taken for more: then it is motion.
        trust: Standard deviations by which the results of two windows may differ.
        enough: Sights from which a parabola is fitted at the end of a track: of few, it would swing with the noise.
    """

    usual: float
    least: float
    most: float
    trust: float
    enough: int


DETECTED = Jitter(0.008, 0.001, 0.03, 1.6, 7)  # each landmark by itself
CARRIED = Jitter(0.002, 0.001, 0.004, 8.0, 4)  # all of them together, as one similarity


def smoothed_at(frame: int, sights: Sequence[Sight], reach: int, jitter: Jitter = DETECTED) -> Face | None:
    """Where a face is in a frame.

    Args:
        frame: Its number.
        sights: Of one track, in the order of their frames: those before and after, as far as they are known.
        reach: Frames to each side that may be taken.
        jitter: Of the landmarks.

    Returns:
        The face, filled in where it was missed in this very frame; None where the track does not reach both sides of it.
    """
    sights = list(sights)
    near = [sight for sight in sights if abs(sight.frame - frame) <= reach]
    if not near or not near[0].frame <= frame <= near[-1].frame:
        return None
    own = next((sight.face for sight in near if sight.frame == frame), None)
    noise = noise_of(sights, jitter) if len(sights) > 1 else 0.0
    at = np.array([sight.frame - frame for sight in near], dtype=np.float64)
    place = _fitted(at, np.stack([sight.place for sight in near]), noise, jitter)
    template = own or replace(min(near, key=lambda sight: abs(sight.frame - frame)).face, frame=frame)
    return as_face(place, template)


def noise_of(sights: Sequence[Sight], jitter: Jitter = DETECTED) -> float:
    """Standard deviation of the landmarks' noise, in pixels: what is left of them after three differences.

    Motion is smooth, so that little of it passes the third difference; of noise, √20 times as much as there is.

    Args:
        sights: Of one track, in the order of their frames.
        jitter: What is known of it beforehand.
    """
    size = float(np.median([size_of_face(sight.face) for sight in sights]))
    expected = jitter.usual * size
    runs = [
        np.diff(np.stack([sight.place[:COORDINATES] for sight in four]), 3, axis=0)[0]
        for four in zip(sights, sights[1:], sights[2:], sights[3:], strict=False)
        if four[3].frame - four[0].frame == 3
    ]
    if not runs:
        return expected
    found = np.median([math.sqrt(float(np.mean(run**2))) for run in runs]) / math.sqrt(20)
    weight = len(runs) / (len(runs) + _PRIOR_WEIGHT)
    mixed = weight * float(found) + (1 - weight) * expected
    return min(max(mixed, jitter.least * size), jitter.most * size)


def _fitted(at: Array, places: Array, noise: float, jitter: Jitter) -> Array:
    """[14] at time 0, from places [n, 14] at other times."""
    if len(at) == 1 or not noise:
        return places[int(np.abs(at).argmin())]
    weights = _weights(at, places, noise)
    reach = int(np.abs(at).max())
    widths = [width for width in range(0, reach + 1) if _enough(at, weights, width)]
    found: list[tuple[Array, float]] = []
    for width in widths:
        inside = np.abs(at) <= width
        value, gain = _fit(at[inside], places[inside], weights[inside], jitter.enough)
        for earlier, spread in found:
            gap = math.sqrt(float(np.mean((value - earlier)[:COORDINATES] ** 2)))
            if gap > jitter.trust * noise * math.sqrt(spread):
                return found[-1][0]
        found.append((value, gain))
    if not found:
        return _fit(at, places, np.ones_like(at), jitter.enough)[0]
    return found[-1][0]


def _enough(at: Array, weights: Array, width: int) -> bool:
    """Whether a window says where the face is: something is in it, and where its own frame is missing, on both sides."""
    inside = (np.abs(at) <= width) & (weights > 0.05)
    if not inside.any():
        return False
    times = at[inside]
    return bool(times.min() <= 0 <= times.max())


def _fit(at: Array, places: Array, weights: Array, enough: int) -> tuple[Array, float]:
    """Value at time 0 [D] of a polynomial fitted to all, and what it keeps of the noise's variance."""
    kept = int((weights > 0.05).sum())
    # A line through three points, a parabola from five on.
    one_sided = at.min() == 0 or at.max() == 0
    degree = 0 if kept < 2 else 1 if kept < (enough if one_sided else 5) else _DEGREE
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
    points = places[:, :COORDINATES]
    for _ in range(_ROUNDS):
        normal = powers.T @ (powers * weights[:, None]) + 1e-9 * np.eye(_DEGREE + 1)
        fitted = powers @ np.linalg.solve(normal, (powers * weights[:, None]).T @ points)
        off = np.sqrt(np.mean((points - fitted) ** 2, axis=1))
        scale = _BIWEIGHT * max(noise, float(np.median(off)))
        weights = np.clip(1 - (off / scale) ** 2, 0, 1) ** 2
    return weights

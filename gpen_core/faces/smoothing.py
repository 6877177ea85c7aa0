"""Landmarks without the detector's jitter, and without lag.

Where it is known how the face moved from frame to frame (``registration``), the landmarks of the frames around are carried
along that motion and averaged: what is left is noise, however the face moves. Where it is not, polynomials of the second degree
are fitted around each frame (Savitzky and Golay 1964). How many frames are taken is chosen for each frame by Lepski's rule
(Goldenshluger and Nemirovski 1997): the most whose result is within the noise of what fewer give. Glitches of a single frame
are left out (Tukey's biweight), and frames in which the face was missed are filled from both sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..types import Face
from .tracking import size_of_face

Array = NDArray[np.float64]
_COORDINATES = 10  # of the landmarks; those of the box come after
_DEGREE = 2
_TRUST = 1.6  # standard deviations by which results of two windows may differ
DETECTED, CARRIED = 0.008, 0.002  # noise as a share of the face's size: of a detector's landmarks, and of their means
_PRIOR_WEIGHT = 6  # frames for which that counts
_LEAST_NOISE, _MOST_NOISE = 0.001, 0.03
_BIWEIGHT = 4.685  # Tukey's constant: 95 % as good as least squares where noise is Gaussian
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Sight:
    """A face of a track, as numbers.

    Attributes:
        frame: Its number.
        face: As it was found.
        place: [14], the landmarks' ten coordinates and the box's four.
        step: The similarity that took the face here from the frame before, z → turn · z + shift for complex z = x + iy, as
            (turn, shift); None where nobody knows.
    """

    frame: int
    face: Face
    place: Array
    step: tuple[complex, complex] | None = None

    @classmethod
    def of(cls, face: Face, step: Tensor | None = None) -> Sight:
        """As it was found; ``step`` [2, 3] float64 from the frame before."""
        place = np.array([*(v for point in face.landmarks for v in point), *face.box])
        if step is None:
            return cls(face.frame, face, place)
        (a, _, x), (b, _, y) = step.tolist()
        return cls(face.frame, face, place, (complex(a, b), complex(x, y)))


def smoothed_at(frame: int, sights: Sequence[Sight], reach: int, prior: float = DETECTED) -> Face | None:
    """Where a face is in a frame.

    Args:
        frame: Its number.
        sights: Of one track, in the order of their frames: those before and after, as far as they are known.
        reach: Frames to each side that may be taken.
        prior: See ``noise_of``.

    Returns:
        The face, filled in where it was missed in this very frame; None where the track does not reach both sides of it.
    """
    sights = list(sights)
    near = [sight for sight in sights if abs(sight.frame - frame) <= reach]
    if not near or not near[0].frame <= frame <= near[-1].frame:
        return None
    own = next((sight.face for sight in near if sight.frame == frame), None)
    noise = noise_of(sights, prior) if len(sights) > 1 else 0.0
    carried = [] if own is None else carried_to(frame, near)
    if len(carried) > 2:
        place = _fitted(*_as_arrays(carried), noise, 1)
    else:
        place = _fitted(*_as_arrays([(sight.frame - frame, sight.place) for sight in near]), noise, _DEGREE)
    template = own or replace(min(near, key=lambda sight: abs(sight.frame - frame)).face, frame=frame)
    numbers = place.tolist()
    a, b, c, d, e = ((numbers[i], numbers[i + 1]) for i in range(0, _COORDINATES, 2))
    x0, y0, x1, y1 = numbers[_COORDINATES:]
    return replace(template, box=(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)), landmarks=(a, b, c, d, e))


def _as_arrays(places: Sequence[tuple[int, Array]]) -> tuple[Array, Array]:
    return np.array([at for at, _ in places], dtype=np.float64), np.stack([place for _, place in places])


def carried_to(frame: int, sights: Sequence[Sight]) -> list[tuple[int, Array]]:
    """Where the landmarks of the frames around would be in this one, had the face only moved, as (frames away, place).

    Only as far on each side as every step is known.
    """
    middle = next(place for place, sight in enumerate(sights) if sight.frame == frame)
    result = [(0, sights[middle].place)]
    turn, shift = complex(1), complex(0)  # from frame ``middle`` to a later one
    for before, sight in zip(sights[middle:], sights[middle + 1 :], strict=False):
        if sight.step is None or sight.frame != before.frame + 1:
            break
        turn, shift = sight.step[0] * turn, sight.step[0] * shift + sight.step[1]
        result.append((sight.frame - frame, _moved(sight.place, 1 / turn, -shift / turn)))
    turn, shift = complex(1), complex(0)  # from an earlier one to ``middle``
    for place in range(middle, 0, -1):
        sight, before = sights[place], sights[place - 1]
        if sight.step is None or sight.frame != before.frame + 1:
            break
        turn, shift = turn * sight.step[0], turn * sight.step[1] + shift
        result.append((before.frame - frame, _moved(before.place, turn, shift)))
    return sorted(result, key=lambda one: one[0])


def _moved(place: Array, turn: complex, shift: complex) -> Array:
    """[14] under a similarity. A box stays upright."""
    points = place[:_COORDINATES:2] + 1j * place[1:_COORDINATES:2]
    moved = turn * points + shift
    x0, y0, x1, y1 = place[_COORDINATES:]
    middle = turn * complex(x0 + x1, y0 + y1) / 2 + shift
    half = abs(turn) * complex(x1 - x0, y1 - y0) / 2
    result = np.empty_like(place)
    result[:_COORDINATES:2], result[1:_COORDINATES:2] = moved.real, moved.imag
    result[_COORDINATES:] = (
        middle.real - half.real, middle.imag - half.imag, middle.real + half.real, middle.imag + half.imag,
    )  # fmt: skip
    return result


def noise_of(sights: Sequence[Sight], prior: float = DETECTED) -> float:
    """Standard deviation of the landmarks' noise, in pixels: what is left of them after three differences.

    Motion is smooth, so that little of it passes the third difference; of noise, √20 times as much as there is.

    Args:
        sights: Of one track, in the order of their frames.
        prior: The noise as a share of the face's size, until the track is long enough to tell.
    """
    size = float(np.median([size_of_face(sight.face) for sight in sights]))
    expected = prior * size
    runs = [
        np.diff(np.stack([sight.place[:_COORDINATES] for sight in four]), 3, axis=0)[0]
        for four in zip(sights, sights[1:], sights[2:], sights[3:], strict=False)
        if four[3].frame - four[0].frame == 3
    ]
    if not runs:
        return expected
    found = np.median([math.sqrt(float(np.mean(run**2))) for run in runs]) / math.sqrt(20)
    weight = len(runs) / (len(runs) + _PRIOR_WEIGHT)
    mixed = weight * float(found) + (1 - weight) * expected
    return min(max(mixed, _LEAST_NOISE * size), _MOST_NOISE * size)


def _fitted(at: Array, places: Array, noise: float, degree: int) -> Array:
    """[14] at time 0, from places [n, 14] at other times, by polynomials of at most this degree."""
    if len(at) == 1 or not noise:
        return places[int(np.abs(at).argmin())]
    weights = _weights(at, places, noise)
    reach = int(np.abs(at).max())
    widths = [width for width in range(0, reach + 1) if _enough(at, weights, width)]
    found: list[tuple[Array, float]] = []
    for width in widths:
        inside = np.abs(at) <= width
        value, gain = _fit(at[inside], places[inside], weights[inside], degree)
        for earlier, spread in found:
            gap = math.sqrt(float(np.mean((value - earlier)[:_COORDINATES] ** 2)))
            if gap > _TRUST * noise * math.sqrt(spread):
                return found[-1][0]
        found.append((value, gain))
    if not found:
        return _fit(at, places, np.ones_like(at), degree)[0]
    return found[-1][0]


def _enough(at: Array, weights: Array, width: int) -> bool:
    """Whether a window says where the face is: something is in it, and where its own frame is missing, on both sides."""
    inside = (np.abs(at) <= width) & (weights > 0.05)
    if not inside.any():
        return False
    times = at[inside]
    return bool(times.min() <= 0 <= times.max())


def _fit(at: Array, places: Array, weights: Array, highest: int) -> tuple[Array, float]:
    """Value at time 0 [D] of a polynomial fitted to all, and what it keeps of the noise's variance."""
    kept = int((weights > 0.05).sum())
    # A line through three points, a parabola from five on: at the end of a track, a parabola would swing with the noise.
    one_sided = at.min() == 0 or at.max() == 0
    degree = min(highest, 0 if kept < 2 else 1 if kept < 5 or (one_sided and kept < 7) else _DEGREE)
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

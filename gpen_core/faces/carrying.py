"""Landmarks carried from frame to frame along the motion that the pixels show, and averaged: the detector's jitter goes.

What is left is the noise of that motion (``registration``), a tenth of the detector's. Averages reach far: a detector's
landmarks are off in the same way for several frames, so that a few of them tell little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..types import Face
from .one_euro import OneEuro, on_time
from .places import size_of_face

Array = NDArray[np.float64]
COORDINATES = 10  # of the landmarks; those of the box come after
_MEMORY = 24.0  # frames after which a sight of a head that does not turn counts 1/e: a second at 24 frames a second
_FILTER = OneEuro(1 / (2 * math.pi * _MEMORY), slope=14.0, speed_cutoff=0.01)
_GLITCH = 0.3  # of a sight's weight: what keeps less says nothing of speed
_ENOUGH = 3  # sights
_LEAST_SPREAD = 1.0  # px: smaller differences are no glitches
_BIWEIGHT = 4.685  # Tukey's constant: 95 % as good as least squares where noise is Gaussian


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


def anchored_at(frame: int, sights: Sequence[Sight], ahead: int) -> Face | None:
    """A face of a frame, with the mean of the landmarks that are carried to it.

    Args:
        frame: In which it was seen.
        sights: Of one track, in the order of their frames.
        ahead: Frames after it that may be taken; their weight fades, so that none comes in at once.

    Returns:
        The face; None where fewer than three sights are connected with it by a known motion.
    """
    own = next((sight.face for sight in sights if sight.frame == frame), None)
    carried = [] if own is None else carried_to(frame, [sight for sight in sights if sight.frame <= frame + ahead])
    if own is None or len(carried) < _ENOUGH:
        return None
    at = np.array([away for away, _ in carried], dtype=np.float64)
    places = np.stack([place for _, place in carried])
    points = places[:, :COORDINATES]
    trust = _without_glitches(points, np.exp(-np.abs(at) / _MEMORY))
    good = trust >= _GLITCH
    calm = np.stack([np.interp(at, at[good], one[good]) for one in points.T], 1)
    weights = trust * _FILTER.weights(at, calm, size_of_face(own), ahead)
    return as_face(on_time(at, places, weights), own)


def _without_glitches(points: Array, weights: Array) -> Array:
    """[n] in [0, 1] for places [n, 10]: 0 for what lies far off the others (Tukey's biweight about the median)."""
    order = np.argsort(points, axis=0)
    shares = np.cumsum(weights[order], axis=0) / weights.sum()
    middle = points[order[(shares < 0.5).sum(0), np.arange(points.shape[1])], np.arange(points.shape[1])]
    off = np.sqrt(np.mean((points - middle) ** 2, axis=1))
    scale = _BIWEIGHT * max(_LEAST_SPREAD, float(np.median(off)))
    return np.asarray(np.clip(1 - (off / scale) ** 2, 1e-6, 1) ** 2)


def as_face(place: Array, like: Face) -> Face:
    """The face at a place [14]."""
    numbers = place.tolist()
    a, b, c, d, e = ((numbers[i], numbers[i + 1]) for i in range(0, COORDINATES, 2))
    x0, y0, x1, y1 = numbers[COORDINATES:]
    return replace(like, box=(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)), landmarks=(a, b, c, d, e))


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
        result.append((sight.frame - frame, moved_place(sight.place, 1 / turn, -shift / turn)))
    turn, shift = complex(1), complex(0)  # from an earlier one to ``middle``
    for place in range(middle, 0, -1):
        sight, before = sights[place], sights[place - 1]
        if sight.step is None or sight.frame != before.frame + 1:
            break
        turn, shift = turn * sight.step[0], turn * sight.step[1] + shift
        result.append((before.frame - frame, moved_place(before.place, turn, shift)))
    return sorted(result, key=lambda one: one[0])


def moved_place(place: Array, turn: complex, shift: complex) -> Array:
    """[14] under a similarity. A box stays upright."""
    points = place[:COORDINATES:2] + 1j * place[1:COORDINATES:2]
    moved = turn * points + shift
    x0, y0, x1, y1 = place[COORDINATES:]
    middle = turn * complex(x0 + x1, y0 + y1) / 2 + shift
    half = abs(turn) * complex(x1 - x0, y1 - y0) / 2
    result = np.empty_like(place)
    result[:COORDINATES:2], result[1:COORDINATES:2] = moved.real, moved.imag
    result[COORDINATES:] = (
        middle.real - half.real, middle.imag - half.imag, middle.real + half.real, middle.imag + half.imag,
    )  # fmt: skip
    return result

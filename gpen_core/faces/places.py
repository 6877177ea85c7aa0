"""Where a face is, and how large: in figures that are steadier than its box."""

from __future__ import annotations

import math
from dataclasses import replace

from ..types import Face, Landmarks


def middle_of(face: Face) -> tuple[float, float]:
    """The mean of the landmarks (x, y), which is steadier than the middle of the box."""
    xs, ys = zip(*face.landmarks, strict=True)
    return sum(xs) / 5, sum(ys) / 5


def size_of_face(face: Face) -> float:
    """Root of the box's area, in pixels."""
    return math.sqrt(max(face.width, 1e-3) * max(face.height, 1e-3))


def distance(landmarks: Landmarks, others: Landmarks) -> float:
    """Mean distance of five points from five others."""
    return sum(math.hypot(x - u, y - v) for (x, y), (u, v) in zip(landmarks, others, strict=True)) / 5


def shifted(face: Face, x: float, y: float) -> Face:
    """The face, moved within its frame."""
    x0, y0, x1, y1 = face.box
    a, b, c, d, e = ((u + x, v + y) for u, v in face.landmarks)
    return replace(face, box=(x0 + x, y0 + y, x1 + x, y1 + y), landmarks=(a, b, c, d, e))

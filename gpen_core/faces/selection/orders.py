"""Orders in which the faces of a picture are counted, and what else widgets show of the choice before it is made."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...types import Face, Point

CENTER: Point = (0.5, 0.5)
MASK_MODES = ("inside", "outside")  # where of a mask a face must lie
# The least similarity of one person's faces: dlib's maker draws the line at a Euclidean distance of 0.6, and ArcFace's cosines
# part there too.
SAME_PERSON = 0.4


def center_of(face: Face) -> Point:
    """The middle of the face's box, (x, y) in pixels of the frame."""
    return (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2


def distance_to(face: Face, point: Point) -> float:
    """From the middle of the face to a point given in shares of the frame's width and height, in pixels of the frame."""
    (x, y), (height, width) = center_of(face), face.image_size
    return math.hypot(x - (point[0] * width - 0.5), y - (point[1] * height - 0.5))


# The face with the smallest number comes first. The point is that of ``SelectOptions``.
ORDERS: MappingProxyType[str, Callable[[Face, Point], float]] = MappingProxyType(
    {
        "left_to_right": lambda face, point: face.box[0],
        "top_to_bottom": lambda face, point: face.box[1],
        "largest": lambda face, point: -face.width * face.height,
        "most_confident": lambda face, point: -face.score,
        "nearest_to_center": lambda face, point: distance_to(face, CENTER),
        "nearest_to_point": distance_to,
    }
)

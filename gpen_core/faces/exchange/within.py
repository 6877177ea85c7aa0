"""Landmarks inside a given box: our detector looks closely where somebody says that a face is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from ...errors import ImageError
from ...geometry import compose, crop_affine, invert_affine, overlap, resize_affine, size_of
from ...imaging.numbers import is_finite
from ...imaging.warp import resize_filtered
from ...types import Box, Face
from ..appearance import appearance_of
from ..detectors.base import FaceDetector
from ..moving import moved

_CONTEXT = 0.5  # of the box's longer side, kept around it: detectors want to see a head
_SMALLEST, _LARGEST = 96.0, 512.0  # pixels at which a box is shown to the detector
_SAME_FACE = 0.7  # intersection over union of two faces that are one


@dataclass(frozen=True)
class Located:
    """What was found in given boxes.

    Attributes:
        faces: One for each box in which a face was found, in the order of their frames, with ids from 1; where boxes overlap
            so much that they show the same face, it is there once.
        missed: Places of those boxes in which none was.
    """

    faces: tuple[Face, ...]
    missed: tuple[int, ...]


def faces_in_boxes(
    frames: Tensor,
    boxes: Sequence[tuple[int, Box]],
    detector: FaceDetector,
    on_box: Callable[[int, int], None] = lambda done, total: None,
) -> Located:
    """Find the face in each box.

    Args:
        frames: [B, 3 or more, H, W] RGB in [0, 1].
        boxes: Frame, and x0, y0, x1, y1 in pixels of it.
        detector: Looks at each box and what is around it.
        on_box: Told after each box how many are done, of how many.

    Returns:
        The faces, and the boxes in which none was found; in frames that hold NaN or infinity none is.

    Raises:
        ImageError: There are boxes, and all of them are in such frames.
    """
    finite = {index: is_finite(frames[index]) for index in {index for index, _ in boxes}}
    if boxes and not any(finite.values()):
        raise ImageError("what the boxes lie in contains NaN or infinity. Check the step that produced it")
    faces: list[Face] = []
    missed = []
    for place, (index, box) in enumerate(boxes):
        face = _face_in(frames[index, :3].float(), box, detector) if finite[index] else None
        if face is None:
            missed.append(place)
        elif not any(other.frame == index and overlap(other.box, face.box) > _SAME_FACE for other in faces):
            faces.append(replace(face, frame=index, appearance=appearance_of(frames[index], face)))
        on_box(place + 1, len(boxes))
    ordered = sorted(faces, key=lambda face: face.frame)
    return Located(tuple(replace(face, id=number) for number, face in enumerate(ordered, start=1)), tuple(missed))


def _face_in(frame: Tensor, box: Box, detector: FaceDetector) -> Face | None:
    """The face that fits the box best, in coordinates of the frame."""
    size = size_of(frame)
    side = max(box[2] - box[0], box[3] - box[1], 1.0)  # a box of less than a pixel is shown as one of a pixel
    left, right = _span(box[0] - _CONTEXT * side, box[2] + _CONTEXT * side, size[1])
    top, bottom = _span(box[1] - _CONTEXT * side, box[3] + _CONTEXT * side, size[0])
    if right <= left or bottom <= top:
        return None
    window = frame[:, top:bottom, left:right]
    scale = min(max(1.0, _SMALLEST / side), max(_LARGEST / side, 1e-3))
    shown_size = (max(1, round((bottom - top) * scale)), max(1, round((right - left) * scale)))
    shown = resize_filtered(window[None], shown_size, "bicubic")[0].clamp(0, 1)
    back = compose(resize_affine(shown_size, size_of(window)), invert_affine(crop_affine(left, top)))
    found = [moved(face, back, size) for face in detector.detect(shown)]
    inside = [face for face in found if _holds(box, face)]
    return max(inside, key=lambda face: (overlap(box, face.box), face.score), default=None)


def _holds(box: Box, face: Face) -> bool:
    """Whether the middle of the face is in the box."""
    x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _span(start: float, end: float, length: int) -> tuple[int, int]:
    return max(0, math.floor(start)), min(length, math.ceil(end) + 1)

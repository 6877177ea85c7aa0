"""Pictures that are faces already: square, upright and framed as a model wants them. Nothing is detected."""

from __future__ import annotations

from torch import Tensor

from ...errors import ImageError
from ...geometry import same_shape, size_of, template_points
from ...types import Box, Face, Landmarks
from ..detectors.base import check_frame

# Where detectors put the box of a face, in multiples of the distance from the eyes to the mouth, around the middle of those.
_BOX_WIDTH, _BOX_HEIGHT = 1.75, 2.3


class AlignedPictures:
    """A ``FaceDetector`` for aligned pictures: each is one face.

    Args:
        template: The alignment, "gpen" or "ffhq".
    """

    name = "aligned"

    def __init__(self, template: str) -> None:
        self.template = template

    def detect(self, frame: Tensor) -> tuple[Face, ...]:
        """frame: [3, S, S] → the face that it is. Raises ImageError where the frame is not square."""
        check_frame(frame)
        return (aligned_face(size_of(frame), self.template),)


class WholePictures:
    """A ``FaceDetector`` for tasks that work on whole pictures: each is one "face", from edge to edge."""

    name = "whole picture"

    def detect(self, frame: Tensor) -> tuple[Face, ...]:
        """frame: [3, H, W] → all of it."""
        check_frame(frame)
        return (whole_picture(size_of(frame)),)


def whole_picture(size: tuple[int, int]) -> Face:
    """All of a picture of this (height, width), to be aligned as "picture": its landmarks mean nothing."""
    height, width = size
    a, b, c, d, e = ((x * width, y * height) for x, y in (template_points("ffhq", 1)).tolist())
    return Face((-0.5, -0.5, width - 0.5, height - 0.5), 1.0, (a, b, c, d, e), size)


def aligned_face(size: tuple[int, int], template: str) -> Face:
    """The face that an aligned picture shows.

    Args:
        size: (height, width) of the picture, in pixels.
        template: The alignment, "gpen" or "ffhq".

    Returns:
        The face; its landmarks are where the template has them.

    Raises:
        ImageError: The picture is not square.
        OptionError: Unknown template.
    """
    if not same_shape(size, (1000, 1000), tolerance=0.0):
        raise ImageError(
            f"an aligned face is a square image, but this one is {size[1]}×{size[0]}: crop it, or detect faces"
        )
    a, b, c, d, e = ((x, y) for x, y in template_points(template, size[1]).tolist())
    landmarks: Landmarks = (a, b, c, d, e)
    return Face(_box(landmarks), 1.0, landmarks, size)


def _box(landmarks: Landmarks) -> Box:
    left_eye, right_eye, _, left_mouth, right_mouth = landmarks
    x = (left_eye[0] + right_eye[0] + left_mouth[0] + right_mouth[0]) / 4
    eyes, mouth = (left_eye[1] + right_eye[1]) / 2, (left_mouth[1] + right_mouth[1]) / 2
    width, height = (mouth - eyes) * _BOX_WIDTH, (mouth - eyes) * _BOX_HEIGHT
    y = (eyes + mouth) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2

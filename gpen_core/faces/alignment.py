"""Align faces: from a face in a frame to the crop a model expects."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ImageError
from ..geometry import compose, fit_similarity, resize_affine, same_shape, size_of, template_points
from ..imaging.numbers import in_unit_range
from ..imaging.warp import resize_filtered, warp
from ..types import Face, FaceCrop

WHOLE = "picture"  # in the place of a template: the whole picture, stretched to the crop


def crop_transform(face: Face, size: int, template: str) -> Tensor:
    """The similarity that maps the face's landmarks onto the template's.

    Args:
        face: A detected face.
        size: Side of the crop, in pixels.
        template: Alignment template, "gpen" or "ffhq"; "picture" for the whole picture, stretched to the crop.

    Returns:
        image_to_crop [2, 3] float64.

    Raises:
        OptionError: Unknown template, or degenerate landmarks.
    """
    if template == WHOLE:
        return resize_affine(face.image_size, (size, size))
    return fit_similarity(torch.tensor(face.landmarks), template_points(template, size))


def align_face(frame: Tensor, face: Face, size: int, template: str = "gpen") -> FaceCrop:
    """Crop a face from its frame, rotated upright and scaled.

    Faces larger than the crop are low-pass filtered first. Beyond the border of the frame the image is mirrored.

    Args:
        frame: [3 or more, H, W] RGB in [0, 1], or of whole numbers as files have them; channels after the third are ignored.
            It may be a resized copy of the frame in which the face was detected.
        face: The face, in coordinates of the frame in which it was detected.
        size: Side of the crop, in pixels.
        template: As in ``crop_transform``.

    Returns:
        The crop, with pixels [3, size, size] RGB float32 in [0, 1].

    Raises:
        ImageError: The frame has another aspect ratio than the one in which the face was detected.
        OptionError: Unknown template, or degenerate landmarks.
    """
    frame_size = size_of(frame)
    check_same_picture(face, frame_size)
    image_to_crop = crop_transform(face, size, template)
    if template == WHOLE:  # by both axes' own factors, of which one may shrink
        pixels = resize_filtered(in_unit_range(frame[:3])[None], (size, size), "bicubic")[0].clamp(0, 1)
        return FaceCrop(face, pixels, image_to_crop, template)
    frame_to_crop = compose(resize_affine(frame_size, face.image_size), image_to_crop)
    return FaceCrop(face, warp(frame[:3], frame_to_crop, (size, size)), image_to_crop, template)


def check_same_picture(face: Face, frame_size: tuple[int, int]) -> None:
    """Raise ImageError unless a frame of this (height, width) may be a resized copy of the one the face was detected in."""
    if not same_shape(face.image_size, frame_size):
        (height, width), (found_height, found_width) = frame_size, face.image_size
        raise ImageError(
            f"the faces were detected in a {found_width}×{found_height} image, but this one is {width}×{height}. "
            "Use the image in which the faces were detected, or a resized copy of it."
        )

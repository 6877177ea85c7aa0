"""From a face in a frame to the crop a model expects."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ImageError
from ..geometry import compose, fit_similarity, resize_affine, same_shape, size_of, template_points
from ..imaging.warp import warp
from ..types import Face, FaceCrop


def crop_transform(face: Face, size: int, template: str) -> Tensor:
    """image_to_crop [2, 3]: the similarity that brings the face's landmarks onto the template's."""
    return fit_similarity(torch.tensor(face.landmarks), template_points(template, size))


def align_face(frame: Tensor, face: Face, size: int, template: str = "gpen") -> FaceCrop:
    """Cut ``face`` out of its frame [3, H, W], turned upright and scaled to [3, size, size].

    A frame of another size than the face was found in is a resized copy: the face is looked for where it went.
    Faces larger than the crop are low-pass filtered first; beyond the frame's border the picture is mirrored. Raises
    ImageError for a frame of another shape: the face was found in another picture.
    """
    frame_size = size_of(frame)
    check_same_picture(face, frame_size)
    image_to_crop = crop_transform(face, size, template)
    frame_to_crop = compose(resize_affine(frame_size, face.image_size), image_to_crop)
    return FaceCrop(face, warp(frame[:3].float(), frame_to_crop, (size, size)), image_to_crop, template)


def check_same_picture(face: Face, frame_size: tuple[int, int]) -> None:
    """Raise ImageError unless a frame of this (height, width) can be a resized copy of the one the face was found in."""
    if not same_shape(face.image_size, frame_size):
        (height, width), (found_height, found_width) = frame_size, face.image_size
        raise ImageError(
            f"a face was found in a picture of {found_width}×{found_height}; one of {width}×{height} has another shape. "
            "Connect the picture in which the faces were found, or a resized copy of it."
        )

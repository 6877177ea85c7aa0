"""Carry faces over to other coordinates."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..geometry import apply_affine, resize_affine
from ..types import Face, Landmarks


def moved(face: Face, matrix: Tensor, image_size: tuple[int, int]) -> Face:
    """The face as another image shows it.

    Args:
        face: In coordinates of the image it was found in.
        matrix: [2, 3] float64, from that image to the other one; it must not turn.
        image_size: (height, width) of the other image.
    """
    points = apply_affine(matrix, torch.tensor([*face.landmarks, face.box[:2], face.box[2:]], dtype=torch.float64))
    a, b, c, d, e, start, end = ((x, y) for x, y in points.tolist())
    landmarks: Landmarks = (a, b, c, d, e)
    return replace(face, box=(*start, *end), landmarks=landmarks, image_size=image_size)


def resized_with(face: Face, image_size: tuple[int, int]) -> Face:
    """The face in a resized copy, of (height, width), of the image it was found in."""
    if face.image_size == image_size:
        return face
    return moved(face, resize_affine(face.image_size, image_size), image_size)

"""From a face in a frame to the crop a model expects."""

from __future__ import annotations

import torch
from torch import Tensor

from ..geometry import fit_similarity, template_points
from ..imaging.warp import warp
from ..types import Face, FaceCrop


def crop_transform(face: Face, size: int, template: str) -> Tensor:
    """image_to_crop [2, 3]: the similarity that brings the face's landmarks onto the template's."""
    return fit_similarity(torch.tensor(face.landmarks), template_points(template, size))


def align_face(frame: Tensor, face: Face, size: int, template: str = "gpen") -> FaceCrop:
    """Cut ``face`` out of its frame [3, H, W], turned upright and scaled to [3, size, size].

    A frame of another size than the face was found in is a resized copy: the face is looked for where it went.
    Faces larger than the crop are low-pass filtered first; beyond the frame's border the picture is mirrored.
    """
    image_to_crop = crop_transform(face, size, template)
    return FaceCrop(face, warp(frame[:3].float(), image_to_crop, (size, size)), image_to_crop, template)

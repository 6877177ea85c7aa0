"""What a face looks like, roughly: enough to tell two faces of neighboring frames apart."""

from __future__ import annotations

import torch
from torch import Tensor

from ..types import Face
from .alignment import align_face

_LOOKS_SIDE = 24  # px: what tells two faces apart besides their place


def thumbnail_of(frame: Tensor, face: Face) -> Tensor:
    """What a face looks like, roughly: [D] of length 1, without its brightness and contrast.

    Args:
        frame: [3, H, W] RGB in [0, 1].
        face: Found in it.
    """
    crop = align_face(frame, face, _LOOKS_SIDE, "ffhq").pixels
    even = crop - crop.mean((1, 2), keepdim=True)
    flat = torch.cat((even.flatten(), 4 * (crop.mean((1, 2)) - crop.mean())))  # its colors count, too
    return flat / flat.norm().clamp_min(1e-6)

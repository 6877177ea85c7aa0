"""Where the original was kept: what protecting a face held back, as a mask over the frames."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ..geometry import compose, invert_affine, resize_affine, size_of
from ..imaging.masks import ellipse_mask
from ..imaging.paste import Patch, paste_into
from ..types import RestoredFace

_SOFTNESS = 0.35  # of the oval within which it is asked what was kept; that of blending by default


class KeptMasks:
    """Gathers masks face by face, since a run lets go of its faces.

    Attributes:
        masks: [B, 1, H, W] in [0, 1]: 1 where all of the original was kept in a face, 0 where nothing was, and outside faces.
    """

    def __init__(self, frames: Tensor) -> None:
        """frames: [B, C, H, W], in which the faces were found; only size and device matter."""
        self.masks = torch.zeros(len(frames), 1, *size_of(frames), device=frames.device)

    def add(self, face: RestoredFace) -> None:
        """See what was kept of a face, after all protection."""
        if face.weight is None and face.strength >= 1:
            return
        size, crop_size = face.pixels.shape[-1], face.crop.pixels.shape[-1]
        oval = _oval(size, face.crop.template).to(self.masks)
        taken = face.strength if face.weight is None else face.strength * face.weight.to(self.masks)
        to_crop = compose(face.crop.image_to_crop, resize_affine((crop_size, crop_size), (size, size)))
        to_mask = compose(invert_affine(to_crop), resize_affine(face.crop.face.image_size, size_of(self.masks)))
        mask = self.masks[face.crop.face.frame]
        nothing = oval.new_zeros(3, size, size)
        paste_into(mask.new_zeros(3, *size_of(mask)), mask, [Patch(nothing, oval * (1 - taken), to_mask)])


@lru_cache(maxsize=4)
def _oval(size: int, template: str) -> Tensor:
    return ellipse_mask(size, template, _SOFTNESS)

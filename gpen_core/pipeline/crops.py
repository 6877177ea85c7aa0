"""Aligned crops for any other model, and crops that it edited, on their way back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor

from ..errors import ImageError, OptionError
from ..faces.alignment import align_face
from ..types import Face, RestoredFace
from .frames import check_faces_of, check_frames
from .summary import counted
from .workable import workable_faces

_log = logging.getLogger(__name__)
_LARGEST = 8192


def crop_faces(
    frames: Tensor,
    faces: Sequence[Face],
    size: int,
    template: str = "gpen",
    miss: Callable[[str], None] = _log.warning,
) -> tuple[RestoredFace, ...]:
    """Cut faces out, upright and aligned, as if a model had changed nothing.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1], in which the faces were found, or a resized copy of those.
        faces: Which to cut out.
        size: Side of the crops, in pixels.
        template: The alignment, "gpen" or "ffhq".
        miss: Hears of each face that cannot be cut out and is left out.

    Returns:
        The crops, in the order given. ``with_crops`` takes them back when they were edited, and ``blend_faces`` pastes them.

    Raises:
        ImageError: ``frames`` is no such batch, or a face was found in another one.
        OptionError: Unknown template, a size that is no size, or no face can be cut out.
    """
    check_frames(frames)
    check_faces_of(frames, faces)
    check_side(size)
    faces = workable_faces(frames, faces, size, template, miss)
    crops = [align_face(frames[face.frame], face, size, template) for face in faces]
    return tuple(RestoredFace(crop, crop.pixels) for crop in crops)


def check_side(size: int) -> None:
    """Raise OptionError unless a crop can have this side, in pixels."""
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= _LARGEST:
        raise OptionError(
            f"the side of a crop must be a whole number of pixels, at least 1 and at most {_LARGEST}, not {size!r:.40}"
        )


def with_crops(faces: Sequence[RestoredFace], crops: Tensor) -> tuple[RestoredFace, ...]:
    """Replace what a model made of faces by pictures that something else made of them.

    Args:
        faces: From ``crop_faces`` or ``restore_faces``.
        crops: [N, 3 or more, S, S] RGB(…) in [0, 1], one for each face and in the same order, of any size.

    Returns:
        The faces with these pixels; what protects them is kept.

    Raises:
        ImageError: There are more or fewer crops than faces, or they are not square.
    """
    if crops.dim() != 4 or crops.shape[1] < 3 or not crops.is_floating_point():
        raise ImageError("the edited crops are no batch of RGB images in [0, 1]")
    if len(crops) != len(faces):
        raise ImageError(
            f"there {'is' if len(faces) == 1 else 'are'} {counted(len(faces))}, but {counted(len(crops), 'edited crop')}: "
            "connect one for each face, in the same order"
        )
    if crops.shape[-1] != crops.shape[-2]:
        raise ImageError(
            f"the edited crops are {crops.shape[-1]}×{crops.shape[-2]}; aligned faces are square. Resize, don't crop them"
        )
    return tuple(_with_pixels(face, pixels) for face, pixels in zip(faces, crops, strict=True))


def _with_pixels(face: RestoredFace, pixels: Tensor) -> RestoredFace:
    side = pixels.shape[-1]
    made = pixels[:3].float().clamp(0, 1)
    return replace(face, pixels=made, weight=_resized(face.weight, side), detail=_resized(face.detail, side))


def _resized(mask: Tensor | None, side: int) -> Tensor | None:
    """[1, S, S] → [1, side, side]."""
    if mask is None or mask.shape[-1] == side:
        return mask
    return F.interpolate(mask[None], (side, side), mode="bilinear", antialias=True, align_corners=False)[0]

"""What a task is given: the right kind of picture, and a mask where it fills one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..checkpoints import GpenModel
from ..errors import ImageError, OptionError
from ..faces.alignment import crop_transform
from ..geometry import invert_affine, mapped_box, same_shape, size_of
from ..imaging.numbers import is_finite
from ..imaging.warp import resize_filtered
from ..types import Face
from .hooks import Hooks
from .summary import counted

_WORTH_SAYING = 0.01  # of the mask


def checked_input(frames: Tensor, model: GpenModel, mask: Tensor | None, hooks: Hooks) -> Tensor | None:
    """Look at frames and mask as the model's task needs them.

    Args:
        frames: [B, 3 or more, H, W] in [0, 1], or of whole numbers as files have them.
        model: With its task.
        mask: [B or 1, 1, h, w] in [0, 1], white where something is to be filled; None for none.
        hooks: Hears what will become of pictures that are unusual for the task.

    Returns:
        The mask, [B, 1, H, W]; None for tasks that fill nothing.

    Raises:
        ImageError: A picture is no input of the task, or the mask is of another shape or another number.
        OptionError: The mask is missing, or the task has no use for one.
    """
    task = model.task
    if task.fills and mask is None:
        raise OptionError(f"{model.name} fills what a mask shows, but there is no mask: give one, white where to fill")
    if mask is not None and not task.fills:
        raise OptionError(
            f"{model.name} is for {task.name} and fills nothing: a mask is for inpainting, such as GPEN-Inpainting-1024. To "
            "restore a part of a face only, use regions."
        )
    for number, frame in enumerate(frames, 1):
        if not is_finite(frame):
            continue  # it is named elsewhere
        try:
            for sentence in task.noticed(frame):
                hooks.miss(sentence if len(frames) == 1 else f"Image {number}: {sentence}")
        except ImageError as error:
            raise error if len(frames) == 1 else ImageError(f"image {number}: {error}") from error
    return None if mask is None else _fitted(mask, frames, hooks.say)


def _fitted(mask: Tensor, frames: Tensor, say: Callable[[str], None]) -> Tensor:
    if mask.dim() != 4 or mask.shape[1] != 1 or 0 in mask.shape or not mask.is_floating_point():
        raise ImageError(f"a mask must be [B, 1, H, W] floating point in [0, 1], not {list(mask.shape)} {mask.dtype}")
    if len(mask) not in (1, len(frames)):
        images = counted(len(frames), "image")
        raise ImageError(f"there are {len(mask)} masks for {images}: give one for each, or one for all")
    if not bool(torch.isfinite(mask).all()):
        raise ImageError("the mask holds NaN or infinity. Check the step that made it")
    size, wanted = size_of(mask), size_of(frames)
    if not same_shape(size, wanted):
        raise ImageError(
            f"the mask is {size[1]}×{size[0]}, but the image is {wanted[1]}×{wanted[0]}: draw it on this image, or on a "
            "resized copy"
        )
    if size != wanted:
        say(f"The mask is {size[1]}×{size[0]}: it was resized to the image's {wanted[1]}×{wanted[0]}.")
    fitted = resize_filtered(mask.clamp(0, 1), wanted, "bilinear").clamp(0, 1)
    return fitted.to(frames.device).expand(len(frames), -1, -1, -1)


def touched(faces: Sequence[Face], fill: Tensor, template: str) -> tuple[Face, ...]:
    """Those of the faces in whose crops something is to be filled. ``fill``: [B, 1, H, W], in frames' sizes."""
    return tuple(face for face in faces if _touches(face, fill[face.frame], template))


def _touches(face: Face, fill: Tensor, template: str) -> bool:
    (height, width), (found_height, found_width) = size_of(fill), face.image_size
    x0, y0, x1, y1 = mapped_box(invert_affine(crop_transform(face, 1024, template)), (1024, 1024))
    across, along = width / found_width, height / found_height
    left, right = max(0, math.floor(x0 * across)), min(width, math.ceil(x1 * across) + 1)
    top, bottom = max(0, math.floor(y0 * along)), min(height, math.ceil(y1 * along) + 1)
    return bool((fill[:, top:bottom, left:right] > 0).any())


def say_what_was_left(fill: Tensor, replaced: Tensor, say: Callable[[str], None]) -> None:
    """Say how much of a mask is not filled, because no face is there.

    Args:
        fill: [B, 1, H, W].
        replaced: [B, 1, H', W'], what was replaced.
        say: Takes the sentence.
    """
    if size_of(fill) != size_of(replaced):
        fill = resize_filtered(fill.contiguous(), size_of(replaced), "bilinear")
    asked = float((fill > 0).sum())
    if asked == 0:
        say("The mask is empty: there is nothing to fill.")
        return
    left = float(((fill > 0) & (replaced.to(fill) == 0)).sum()) / asked
    if left > _WORTH_SAYING:
        say(f"{left:.0%} of the mask lies outside of faces and was not filled.")

"""From a face in a frame to what its task's network is shown."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ..checkpoints import GpenModel
from ..faces.alignment import WHOLE, align_face, crop_transform
from ..geometry import compose, resize_affine, size_of
from ..imaging.warp import resize_filtered, warp
from ..tasks import Task
from ..types import Face, FaceCrop


def cut_out(frame: Tensor, face: Face, model: GpenModel, template: str, fill: Tensor | None = None) -> FaceCrop:
    """A crop at the size of the model's input.

    Args:
        frame: [3 or more, H, W] RGB(…) in [0, 1], in which the face was found, or a resized copy.
        face: The face.
        model: Will see the crop.
        template: The alignment; "picture" for all of the frame.
        fill: [1, H, W] in [0, 1], what is to be filled, where the task fills.
    """
    size = model.config.input_size
    if template == WHOLE and model.task.at_size is not None:
        pixels = model.task.at_size(frame, size)
        return FaceCrop(face, pixels, crop_transform(face, size, template), template, fill)
    crop = align_face(frame, face, size, template)
    return crop if fill is None else replace(crop, fill=fill)


def shown_of(crop: FaceCrop, task: Task) -> Tensor:
    """What the network is shown of a crop, [3, S, S] RGB in [0, 1]."""
    if crop.fill is None:
        return crop.pixels
    return task.shown(crop.pixels[None], fill_of(crop, crop.pixels.shape[-1])[None])[0]


def fill_of(crop: FaceCrop, size: int) -> Tensor:
    """The crop's part of its ``fill``, [1, size, size] in [0, 1]."""
    assert crop.fill is not None  # noqa: S101 - the callers know
    fill = crop.fill.to(crop.pixels)
    if crop.template == WHOLE:
        return resize_filtered(fill[None], (size, size), "bilinear")[0].clamp(0, 1)
    side = crop.pixels.shape[-1]
    to_crop = compose(resize_affine(size_of(fill), crop.face.image_size), crop.image_to_crop)
    return warp(fill, compose(to_crop, resize_affine((side, side), (size, size))), (size, size))

"""A restored face as a patch: its colors, its mask, and where on the canvas it goes."""

from __future__ import annotations

import torch
from torch import Tensor

from ..faces.alignment import align_face
from ..geometry import compose, crop_affine, invert_affine, resize_affine, scale_of, size_of
from ..imaging.color import match_color
from ..imaging.masks import change_mask
from ..imaging.paste import Patch
from ..imaging.warp import MINIFIES, margin_of, reduced, resize_filtered, widened
from ..tasks import TASKS
from ..types import RestoredFace
from .blend_options import BlendOptions
from .shapes import Shape
from .whole import fill_at, grain_of


def patch_of(face: RestoredFace, shape: Shape, canvas: Tensor, options: BlendOptions, own: bool) -> Patch | None:
    """A restored face with its colors and its mask, and where it goes; None where nothing of it may be replaced.

    All this is worked out for the part that the shape shows, and at the canvas's scale where that is the smaller one.
    """
    size, strength = face.pixels.shape[-1], options.strength * face.strength
    to_canvas = compose(_restored_to_image(face), resize_affine(face.crop.face.image_size, size_of(canvas)))
    scale = scale_of(to_canvas)
    if shape.box is None or strength == 0:
        return None
    left, top, right, bottom = widened(shape.box, margin_of(scale), (size, size))
    layers = {
        name: layer[:, top:bottom, left:right].to(face.pixels)
        for name, layer in _layers(face, shape, canvas, own).items()
    }
    to_canvas = compose(crop_affine(-left, -top), to_canvas)
    if scale < MINIFIES:
        part, part_to_reduced = reduced(torch.cat(list(layers.values())), scale)
        layers = dict(zip(layers, part.split([len(layer) for layer in layers.values()]), strict=True))
        size, to_canvas = round(size * scale), compose(invert_affine(part_to_reduced), to_canvas)
    before, pixels, weight = layers["before"], layers["pixels"], layers["mask"]
    task = TASKS.get(face.task)
    if task is not None and task.keeps_colors:
        pixels = match_color(pixels, before, weight, options.color, size)
    mask = weight * change_mask(before, pixels, size) * strength
    if "weight" in layers:
        mask = mask * layers["weight"]
    base, detail = (
        layer if layer is None else layer.to(canvas.device) for layer in map(layers.get, ("base", "detail"))
    )
    grain = grain_of(face.crop.face, options)
    within = None if face.crop.fill is None else fill_at(face.crop.fill, size_of(canvas)).to(canvas.device)
    onto = None if task is None else task.returned
    return Patch(pixels.to(canvas.device), mask.to(canvas.device), to_canvas, base, detail, grain, onto, within)


def _layers(face: RestoredFace, shape: Shape, canvas: Tensor, own: bool) -> dict[str, Tensor]:
    """All that is taken to the canvas, [1 or 3, S', S'] each."""
    size = face.pixels.shape[-1]
    layers = {"before": _resized(face.crop.pixels, size), "pixels": face.pixels, "mask": shape.mask}
    if face.weight is not None:
        layers["weight"] = face.weight
    if face.detail is not None:
        layers["detail"] = face.detail
        layers["base"] = _base(face, canvas, own)
    return layers


def _base(face: RestoredFace, canvas: Tensor, own: bool) -> Tensor:
    """What of the canvas a restored face can show, [3, S', S']: what the model saw, if it saw as much of the canvas."""
    size = face.pixels.shape[-1]
    if own and face.crop.pixels.shape[-1] == size:
        return face.crop.pixels
    return align_face(canvas, face.crop.face, size, face.crop.template).pixels


def _restored_to_image(face: RestoredFace) -> Tensor:
    crop_size, size = face.crop.pixels.shape[-1], face.pixels.shape[-1]
    return invert_affine(compose(face.crop.image_to_crop, resize_affine((crop_size, crop_size), (size, size))))


def _resized(crop: Tensor, size: int) -> Tensor:
    if crop.shape[-1] == size:
        return crop
    return resize_filtered(crop[None], (size, size), "bicubic")[0].clamp(0, 1)

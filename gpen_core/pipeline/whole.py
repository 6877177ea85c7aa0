"""Aligned pictures: a restored crop that is the whole picture replaces it, up to its very edges."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..geometry import mapped_box, size_of
from ..imaging.color import match_color
from ..imaging.grain import Grain, with_grain
from ..imaging.numbers import as_kind_of, in_unit_range
from ..imaging.warp import resize_filtered
from ..tasks import TASKS
from ..types import Face, FaceCrop, RestoredFace
from .blend_options import BlendOptions

_SEEDS_A_FRAME = 1_000_003  # more than a frame has faces
_NEAR = 0.01  # of the crop's side: how well its edges are the picture's


def is_whole_picture(crop: FaceCrop) -> bool:
    """Whether the crop shows its picture from edge to edge."""
    side = crop.pixels.shape[-1]
    edges = mapped_box(crop.image_to_crop, crop.face.image_size)
    wanted = (-0.5, -0.5, side - 0.5, side - 0.5)
    return all(abs(edge - place) <= max(1.0, _NEAR * side) for edge, place in zip(edges, wanted, strict=True))


def replace_whole(
    picture: Tensor, mask: Tensor, faces: Sequence[RestoredFace], options: BlendOptions
) -> list[RestoredFace]:
    """Replace the picture [C, H, W] and its mask [1, H, W], in place, by faces that are all of it → the other faces."""
    others = []
    for face in faces:
        if not is_whole_picture(face.crop):
            others.append(face)
            continue
        own = in_unit_range(picture[:3])
        pixels, share = _at_size(face, own, options)
        if face.crop.fill is not None:
            share = share * fill_at(face.crop.fill, size_of(picture)).to(share)
        own = own.lerp(pixels.to(own), share.to(own))
        picture[:3] = as_kind_of(own, picture)
        mask.copy_(torch.maximum(mask, share.to(mask)))
    return others


def grain_of(face: Face, options: BlendOptions) -> Grain | None:
    """What is put back on this face: each face of each frame has grain of its own."""
    if options.grain == 0:
        return None
    seed = int(options.grain_seed) + _SEEDS_A_FRAME * face.frame + face.id
    return Grain(options.grain, seed % 2**64)  # the range of torch.Generator


def _at_size(face: RestoredFace, picture: Tensor, options: BlendOptions) -> tuple[Tensor, Tensor]:
    """The restored pixels [3, H, W], with their colors, and the share [1, H, W] that is taken of them."""
    size = size_of(picture)
    pixels, task = _resized(face.pixels, size), TASKS.get(face.task)
    if (task is not None and task.keeps_colors) or face.detail is not None:
        before = _resized(face.crop.pixels.to(face.pixels), size)
    if task is not None and task.keeps_colors:
        pixels = match_color(pixels, before, torch.ones_like(pixels[:1]), options.color)
    if task is not None:
        pixels = task.returned(pixels, picture[:3].to(pixels))
    if face.detail is not None:
        pixels = pixels.addcmul(_resized(face.detail, size), picture[:3].to(pixels) - before).clamp(0, 1)
    share = torch.full_like(pixels[:1], options.strength * face.strength)
    if face.weight is not None:
        share = share * _resized(face.weight, size)
    grain = grain_of(face.crop.face, options)
    return pixels if grain is None else with_grain(pixels, picture[:3].to(pixels), share, grain), share


def fill_at(fill: Tensor, size: tuple[int, int]) -> Tensor:
    """What is to be filled, [1, H, W], at the canvas's size."""
    return resize_filtered(fill[None].float(), size, "bilinear")[0].clamp(0, 1)


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    return resize_filtered(image[None].float(), size, "bicubic")[0].clamp(0, 1)

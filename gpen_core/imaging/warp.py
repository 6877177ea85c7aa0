"""Resampling under an affine map, at the cost of the pixels that come out."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..geometry import (
    apply_affine,
    bounding_box,
    compose,
    corners,
    crop_affine,
    invert_affine,
    resize_affine,
    scale_of,
    size_of,
)

_MARGIN = 4  # pixels of the source kept around what is sampled: the reach of the bicubic kernel and the prefilter
_SEEN = 1 / 512  # alpha below half a step of 8 bits shows nothing
_MINIFIES = 0.98  # from here down, a source is reduced before it is sampled

Rect = tuple[int, int, int, int]  # left, top, right, bottom: whole pixels, right and bottom excluded


def resize_lanczos(image: Tensor, size: tuple[int, int]) -> Tensor:
    """[C, H, W] in [0, 1] → [C, *size], Lanczos-3, prefiltered where it shrinks, in float32 throughout (Pillow's).

    A fourth channel is alpha: colours then count by their alpha, so what is invisible doesn't bleed into what is seen.
    """
    if size_of(image) == size:
        return image
    if len(image) != 4:
        return _lanczos(image, size)
    alpha = image[3:]
    resized = _lanczos(torch.cat((image, image[:3] * alpha)), size)
    new_alpha, weighted = resized[3:4], resized[4:]
    visible = (weighted / new_alpha.clamp_min(1e-6)).clamp_(0, 1)
    return torch.cat((torch.where(new_alpha > _SEEN, visible, resized[:3]), new_alpha))


def _lanczos(image: Tensor, size: tuple[int, int]) -> Tensor:
    height, width = size
    planes = image.detach().float().cpu().numpy()
    resized = [np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.LANCZOS)) for plane in planes]
    return torch.from_numpy(np.stack(resized)).clamp_(0, 1).to(image.device)


def resize_filtered(images: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """[N, C, H, W] → [N, C, *size], "bilinear" or "bicubic", low-pass filtered where it shrinks. Float32 in and out."""
    # Not every torch has this on Apple's GPU.
    where = torch.device("cpu") if images.device.type == "mps" else images.device
    resized = F.interpolate(images.to(where), size=size, mode=mode, antialias=True, align_corners=False)
    return resized.to(images.device)


def warp(image: Tensor, image_to_out: Tensor, size: tuple[int, int], *, mirror: bool = True) -> Tensor:
    """Sample ``image`` [C, H, W] where ``image_to_out`` puts it in a picture of ``size`` (height, width). → [C, *size]

    Bicubic, clamped to [0, 1]. Where the map shrinks, the source is low-pass filtered first, so nothing aliases. Beyond
    the image it is mirrored, or 0 where not ``mirror``. Only the part of the image that shows is touched.
    """
    part, image_to_part = _visible_part(image, image_to_out, size)
    part_to_out = compose(invert_affine(image_to_part), image_to_out)
    if (scale := scale_of(part_to_out)) < _MINIFIES:
        part, part_to_out = _reduce(part, part_to_out, scale)
    grid = _grid(invert_affine(part_to_out), size, size_of(part)).to(part.device)
    padding = "reflection" if mirror else "zeros"
    sampled = F.grid_sample(part[None], grid[None], mode="bicubic", padding_mode=padding, align_corners=False)
    return sampled[0].clamp_(0, 1)


def covered_rect(source_size: tuple[int, int], source_to_image: Tensor, image_size: tuple[int, int]) -> Rect:
    """The whole pixels of the image that a mapped picture can touch, cut to the image; empty where right ≤ left."""
    x0, y0, x1, y1 = bounding_box(apply_affine(source_to_image, corners(source_size)))
    height, width = image_size
    return max(0, math.floor(x0)), max(0, math.floor(y0)), min(width, math.ceil(x1) + 1), min(height, math.ceil(y1) + 1)


def _visible_part(image: Tensor, image_to_out: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Cut away what cannot show, directly or in the mirror. The cut's edges are the image's own, or out of reach."""
    reach = math.ceil(_MARGIN * max(1.0, 1 / max(scale_of(image_to_out), 1e-6)))
    x0, y0, x1, y1 = bounding_box(apply_affine(invert_affine(image_to_out), corners(size)))
    left, right = _visible_range(x0 - reach, x1 + reach, image.shape[2])
    top, bottom = _visible_range(y0 - reach, y1 + reach, image.shape[1])
    return image[:, top:bottom, left:right], crop_affine(left, top)


def _visible_range(low: float, high: float, side: int) -> tuple[int, int]:
    """The pixels of [0, side) that lie between ``low`` and ``high``, or whose mirror images beyond an edge do."""
    start, stop = math.floor(low), math.ceil(high) + 1
    if start < 0:
        stop = max(stop, -start)
    if stop > side:
        start = min(start, 2 * side - stop)
    start = min(max(start, 0), side - 1)
    return start, max(min(stop, side), start + 1)


def _reduce(part: Tensor, part_to_out: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Bring the source down to the scale it is sampled at, through an antialiasing bicubic filter."""
    old = size_of(part)
    new = (max(1, round(old[0] * scale)), max(1, round(old[1] * scale)))
    reduced = resize_filtered(part[None].float(), new, "bicubic")[0]
    return reduced.clamp_(0, 1), compose(invert_affine(resize_affine(old, new)), part_to_out)


def _grid(out_to_source: Tensor, size: tuple[int, int], source_size: tuple[int, int]) -> Tensor:
    """Where each output pixel looks, in grid_sample's units ([-1, 1] from outer edge to outer edge). [h, w, 2] float32"""
    height, width = source_size
    normalise = torch.tensor([[2 / width, 0.0, 1 / width - 1], [0.0, 2 / height, 1 / height - 1]], dtype=torch.float64)
    matrix = compose(out_to_source, normalise)
    x = torch.arange(size[1], dtype=torch.float64)[None, :, None]
    y = torch.arange(size[0], dtype=torch.float64)[:, None, None]
    return (x * matrix[:, 0] + y * matrix[:, 1] + matrix[:, 2]).float()

"""Put patches into a picture, working inside each patch's rectangle only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry import compose, crop_affine, invert_affine, scale_of, size_of
from .warp import Rect, covered_rect, warp

_MARGIN = 4  # canvas pixels kept around a mask's own box, for the reach of the resampling kernels
_NEXT_TO_NOTHING = 1 / 25600


@dataclass(frozen=True, eq=False)
class Patch:
    """What goes where. ``pixels`` [3, h, w] RGB in [0, 1], ``mask`` [1, h, w] in [0, 1], ``to_canvas`` [2, 3]."""

    pixels: Tensor
    mask: Tensor
    to_canvas: Tensor


@dataclass(frozen=True, eq=False)
class _Placed:
    """A patch resampled to the canvas: the rectangle it touches, and its pixels and mask there."""

    rect: Rect
    pixels: Tensor
    mask: Tensor


def paste(canvas: Tensor, patches: Sequence[Patch]) -> tuple[Tensor, Tensor]:
    """Blend ``patches`` into ``canvas`` [C, H, W]; channels after the third (alpha) are kept as they are.

    → the picture [C, H, W] and what share of each pixel was replaced [1, H, W]. Pixels that no mask touches keep their
    bits. Where masks overlap, each patch has its share, so the order of the patches doesn't matter.
    """
    size = size_of(canvas)
    placed = [place for patch in patches if (place := _place(patch, size)) is not None]
    result = canvas.clone()
    untouched = torch.ones(1, *size, device=canvas.device)
    for patch in placed:
        _window(result, patch.rect)[:3] *= 1 - patch.mask
        _window(untouched, patch.rect).mul_(1 - patch.mask)
    for index, patch in enumerate(placed):
        others = [other for position, other in enumerate(placed) if position != index and _overlap(patch, other)]
        _window(result, patch.rect)[:3] += patch.pixels * _share(patch, others)
    return result, 1 - untouched


def _place(patch: Patch, canvas_size: tuple[int, int]) -> _Placed | None:
    """Resample the part of the patch that its mask shows; None where nothing of it is on the canvas."""
    reach = math.ceil(_MARGIN * max(1.0, 1 / max(scale_of(patch.to_canvas), 1e-6)))
    shown = _mask_box(patch.mask, reach)
    if shown is None:
        return None
    left, top, right, bottom = shown
    layers = torch.cat((patch.pixels, patch.mask.to(patch.pixels)))[:, top:bottom, left:right]
    to_canvas = compose(invert_affine(crop_affine(left, top)), patch.to_canvas)
    rect = covered_rect((bottom - top, right - left), to_canvas, canvas_size)
    x0, y0, x1, y1 = rect
    if x1 <= x0 or y1 <= y0:
        return None
    layers = warp(layers, compose(to_canvas, crop_affine(x0, y0)), (y1 - y0, x1 - x0), mirror=False)
    # Less than a hundredth of a step of 8 bits is nothing: so what counts as untouched keeps its very bits.
    return _Placed(rect, layers[:3], F.threshold(layers[3:], _NEXT_TO_NOTHING, 0.0))


def _mask_box(mask: Tensor, reach: int) -> Rect | None:
    """The rectangle outside which the mask is 0, widened by ``reach``; None for an empty mask."""
    rows, columns = mask[0].amax(1).nonzero(), mask[0].amax(0).nonzero()
    if len(rows) == 0:
        return None
    height, width = mask.shape[1:]
    left, right = int(columns[0]) - reach, int(columns[-1]) + 1 + reach
    top, bottom = int(rows[0]) - reach, int(rows[-1]) + 1 + reach
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)


def _window(image: Tensor, rect: Rect) -> Tensor:
    left, top, right, bottom = rect
    return image[:, top:bottom, left:right]


def _overlap(a: _Placed, b: _Placed) -> bool:
    return (
        a.rect[0] < b.rect[2] and b.rect[0] < a.rect[2] and a.rect[1] < b.rect[3] and b.rect[1] < a.rect[3]
    )  # fmt: skip


def _share(patch: _Placed, others: Sequence[_Placed]) -> Tensor:
    """How much of each pixel is this patch's: its mask alone, or its part of what all masks there cover together."""
    if not others:
        return patch.mask
    total, free = patch.mask.clone(), 1 - patch.mask
    for other in others:
        mine, theirs = _common(patch.rect, other.rect)
        _window(total, mine).add_(_window(other.mask, theirs))
        _window(free, mine).mul_(1 - _window(other.mask, theirs))
    return (1 - free) * patch.mask / total.clamp_min(1e-6)


def _common(a: Rect, b: Rect) -> tuple[Rect, Rect]:
    """The rectangle two rectangles share, in the coordinates of each."""
    left, top, right, bottom = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (
        (left - a[0], top - a[1], right - a[0], bottom - a[1]),
        (left - b[0], top - b[1], right - b[0], bottom - b[1]),
    )

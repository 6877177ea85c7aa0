"""Paste patches into an image, working only inside the rectangle of each patch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry import compose, crop_affine, scale_of, size_of
from ..polling import current_poll
from .grain import Grain, with_grain
from .masks import mask_box
from .numbers import as_kind_of, in_unit_range
from .warp import Rect, covered_rect, margin_of, warp, widened

_NEXT_TO_NOTHING = 1 / 25600


@dataclass(frozen=True, eq=False)
class Patch:
    """An image to paste.

    Attributes:
        pixels: [3, h, w] RGB in [0, 1].
        mask: [1, h, w] in [0, 1].
        to_canvas: [2, 3] float64, from patch to canvas coordinates.
        base: [3, h, w] RGB in [0, 1], what the canvas shows there, as coarse as ``pixels``: beyond it is the canvas's own
            detail. None where none of that is kept.
        detail: [1, h, w] in [0, 1], with ``base``: how much of that detail is put back on the pixels.
        grain: How much of the canvas's grain is put back on the pixels; None for nothing.
        onto: (pixels, what the canvas shows there; both [3, h, w] RGB in [0, 1]) → what is blended in; None: the pixels.
        within: [1, H, W] in [0, 1], of the canvas's size: the greatest share of each pixel that may be replaced; None: all.
    """

    pixels: Tensor
    mask: Tensor
    to_canvas: Tensor
    base: Tensor | None = None
    detail: Tensor | None = None
    grain: Grain | None = None
    onto: Callable[[Tensor, Tensor], Tensor] | None = None
    within: Tensor | None = None


@dataclass(frozen=True, eq=False)
class _Spot:
    """Where a patch goes: ``shown`` is the visible part of the patch, ``rect`` the part of the canvas that it covers."""

    patch: Patch
    shown: Rect
    rect: Rect


@dataclass(frozen=True, eq=False)
class _Placed:
    """A patch resampled to the canvas: the rectangle it touches, and its pixels and mask there."""

    rect: Rect
    pixels: Tensor
    mask: Tensor


def paste(canvas: Tensor, patches: Sequence[Patch]) -> tuple[Tensor, Tensor]:
    """Blend patches into a copy of the canvas.

    Args:
        canvas: [C, H, W] RGB in [0, 1]; channels after the third (alpha) are kept.
        patches: What to paste. Overlapping patches are weighted by their masks, so their order doesn't matter.

    Returns:
        The image [C, H, W], bit-identical outside the masks, and the blend mask [1, H, W]: 1 = fully replaced.
    """
    picture, replaced = canvas.clone(), torch.zeros(1, *size_of(canvas), device=canvas.device)
    paste_into(picture, replaced, patches)
    return picture, replaced


def paste_into(canvas: Tensor, replaced: Tensor, patches: Sequence[Patch]) -> None:
    """Like ``paste``, in place; only the pixels under the patches are touched.

    Args:
        canvas: [C, H, W] RGB in [0, 1], or of whole numbers as files have them, modified.
        replaced: [1, H, W], the blend mask so far (0 for a fresh canvas), modified.
        patches: What to paste.
    """
    spots = [spot for patch in patches if (spot := _spot(patch, size_of(canvas))) is not None]
    crowded: list[_Placed] = []
    for spot in spots:
        placed = _placed(spot, canvas)
        before = _window(replaced, spot.rect)
        before.add_(placed.mask * (1 - before))
        if any(_overlap(spot.rect, other.rect) for other in spots if other is not spot):
            crowded.append(placed)
        else:
            with _floats_in(canvas, spot.rect) as window:
                window.lerp_(placed.pixels, placed.mask)
    for group in _groups(crowded):
        current_poll()()
        around = _around([patch.rect for patch in group])
        with _floats_in(canvas, around) as window:
            _paste_together(window, [_moved(patch, around) for patch in group])


@contextmanager
def _floats_in(canvas: Tensor, rect: Rect) -> Iterator[Tensor]:
    """The colors [3, h, w] of a part of the canvas, floating point; changed, they go back."""
    window = _window(canvas, rect)[:3]
    if canvas.is_floating_point():
        yield window
        return
    floats = in_unit_range(window)
    yield floats
    window.copy_(as_kind_of(floats, canvas))


def _groups(patches: Sequence[_Placed]) -> list[list[_Placed]]:
    """Patches that overlap, also by way of others, together."""
    groups: list[list[_Placed]] = []
    for patch in patches:
        mine = [group for group in groups if any(_overlap(patch.rect, other.rect) for other in group)]
        groups = [group for group in groups if group not in mine] + [[*(one for group in mine for one in group), patch]]
    return groups


def _around(rects: Sequence[Rect]) -> Rect:
    """The rectangle around all of them."""
    lefts, tops, rights, bottoms = zip(*rects, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _moved(patch: _Placed, around: Rect) -> _Placed:
    """The same in coordinates of a part of the canvas."""
    (left, top, right, bottom), (x, y, _, _) = patch.rect, around
    return replace(patch, rect=(left - x, top - y, right - x, bottom - y))


def _paste_together(canvas: Tensor, crowded: Sequence[_Placed]) -> None:
    """Overlapping patches: first fade out the canvas under all of them, then add each by its share."""
    for patch in crowded:
        _window(canvas, patch.rect)[:3].mul_(1 - patch.mask)
    for patch in crowded:
        others = [other for other in crowded if other is not patch and _overlap(patch.rect, other.rect)]
        _window(canvas, patch.rect)[:3].add_(patch.pixels * _share(patch, others))


def _spot(patch: Patch, canvas_size: tuple[int, int]) -> _Spot | None:
    """None where nothing of the patch is on the canvas."""
    box = mask_box(patch.mask)
    if box is None:
        return None
    left, top, right, bottom = shown = widened(box, margin_of(scale_of(patch.to_canvas)), size_of(patch.mask))
    to_canvas = compose(crop_affine(-left, -top), patch.to_canvas)
    x0, y0, x1, y1 = rect = covered_rect((bottom - top, right - left), to_canvas, canvas_size)
    return _Spot(patch, shown, rect) if x1 > x0 and y1 > y0 else None


def _placed(spot: _Spot, canvas: Tensor) -> _Placed:
    patch, (left, top, _, _), (x0, y0, x1, y1) = spot.patch, spot.shown, spot.rect
    layers = torch.cat([_window(layer, spot.shown).to(patch.pixels) for layer in _layers(patch)])
    shown_to_rect = compose(crop_affine(-left, -top), compose(patch.to_canvas, crop_affine(x0, y0)))
    layers = warp(layers, shown_to_rect, (y1 - y0, x1 - x0), mirror=False)
    pixels = layers[:3]
    if len(layers) > 4:
        own = in_unit_range(_window(canvas, spot.rect)[:3]) - layers[4:7]
        pixels = pixels.addcmul(layers[7:], own.to(pixels)).clamp_(0, 1)
    # Less than a hundredth of a step of 8 bits is nothing: so what counts as untouched keeps its very bits.
    mask = F.threshold(layers[3:4], _NEXT_TO_NOTHING, 0.0)
    if patch.within is not None:
        mask = mask * _window(patch.within, spot.rect).to(mask)
    if patch.onto is not None:
        pixels = patch.onto(pixels, in_unit_range(_window(canvas, spot.rect)[:3]).to(pixels))
    if patch.grain is not None:
        pixels = with_grain(pixels, in_unit_range(_window(canvas, spot.rect)[:3]).to(pixels), mask, patch.grain)
    return _Placed(spot.rect, pixels, mask)


def _layers(patch: Patch) -> tuple[Tensor, ...]:
    if patch.base is None or patch.detail is None:
        return patch.pixels, patch.mask
    return patch.pixels, patch.mask, patch.base, patch.detail


def _window(image: Tensor, rect: Rect) -> Tensor:
    left, top, right, bottom = rect
    return image[:, top:bottom, left:right]


def _overlap(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _share(patch: _Placed, others: Sequence[_Placed]) -> Tensor:
    """How much of each pixel is this patch's: its part of what all masks there cover together."""
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

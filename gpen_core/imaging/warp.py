"""Antialiased resizing and affine warping; the cost depends on the output size only."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry import (
    compose,
    crop_affine,
    invert_affine,
    mapped_box,
    resize_affine,
    scale_of,
    size_of,
)
from ..polling import current_poll
from .numbers import in_unit_range

_MARGIN = 4  # pixels of the source kept around what is sampled: the reach of the bicubic kernel and the prefilter
_KERNEL = 2  # pixels to each side that the bicubic kernel reads
_WHOLE_AT_A_TIME = 1 << 21  # pixels of whole numbers that become floating point at a time
_BAND = 4096  # pixels sampled: fewer are not worth another thread
MINIFIES = 0.98  # from here down, a source is reduced before it is sampled

Rect = tuple[int, int, int, int]  # left, top, right, bottom: whole pixels, right and bottom excluded


def resize_filtered(images: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """Resize, antialiased when shrinking.

    Args:
        images: [N, C, H, W] float32.
        size: (height, width) of the result.
        mode: "bilinear" or "bicubic".

    Returns:
        [N, C, height, width] float32; the input itself if it already has this size.
    """
    # Not supported on Apple's GPU by all versions of torch.
    where = torch.device("cpu") if images.device.type == "mps" else images.device
    resized, poll = images.to(where), current_poll()
    # One axis at a time, rows first: torch by itself filters the columns of rows that are about to go.
    for step in ((size[0], images.shape[-1]), size):
        if size_of(resized) != step:
            poll()
            resized = F.interpolate(resized, size=step, mode=mode, antialias=True, align_corners=False)
    return resized.to(images.device)


def resize_parts(
    columns: Callable[[int, int], Tensor], source: tuple[int, int], size: tuple[int, int], mode: str, step: int
) -> Tensor:
    """``resize_filtered`` of what is made a band of columns at a time.

    Args:
        columns: Makes columns [begin, end) of it, [C, H, w].
        source: (height, width) of it.
        size: (height, width) of the result.
        mode: As of ``resize_filtered``.
        step: Columns of a band.

    Returns:
        [1, C, height, width] float32, the same to the bit as of all columns at once.
    """
    width = source[1]
    if step >= width:
        return resize_filtered(columns(0, width)[None], size, mode)
    ends = [(begin, min(begin + step, width)) for begin in range(0, width, step)]
    bands = [resize_filtered(columns(begin, end)[None], (size[0], end - begin), mode) for begin, end in ends]
    return resize_filtered(torch.cat(bands, 3), size, mode)


def warp(image: Tensor, image_to_out: Tensor, size: tuple[int, int], *, mirror: bool = True) -> Tensor:
    """Warp an image by an affine map: bicubic, antialiased when shrinking. Only the visible part is processed.

    Args:
        image: [C, H, W] in [0, 1], or of whole numbers as files have them.
        image_to_out: [2, 3] float64, from image to output coordinates.
        size: (height, width) of the output.
        mirror: Mirror the image beyond its border instead of filling with 0.

    Returns:
        [C, height, width], clamped to [0, 1].
    """
    current_poll()()
    scale = scale_of(image_to_out)
    out_to_image = invert_affine(image_to_out)
    left, top, right, bottom = _visible_part(size_of(image), out_to_image, size, margin_of(scale))
    part, out_to_part = image[:, top:bottom, left:right], compose(out_to_image, crop_affine(left, top))
    if scale < MINIFIES:
        part, part_to_reduced = reduced(part, scale)
        out_to_part = compose(out_to_part, part_to_reduced)
    part = in_unit_range(part)
    padding = "reflection" if mirror and _leaves(size_of(part), out_to_part, size) else "zeros"
    return _sample(part, out_to_part, size, padding).clamp_(0, 1)


def reduced(image: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Shrink an image with an antialiased bicubic filter.

    Args:
        image: [C, H, W] in [0, 1], or of whole numbers as files have them.
        scale: Below 1.

    Returns:
        The image [C, H', W'], clamped to [0, 1], and image_to_reduced [2, 3]: since sizes are whole pixels, the exact
        factors of the two axes usually differ slightly.
    """
    old = size_of(image)
    new = (max(1, round(old[0] * scale)), max(1, round(old[1] * scale)))
    step = old[1] if image.is_floating_point() else max(1, _WHOLE_AT_A_TIME // old[0])
    small = resize_parts(lambda begin, end: in_unit_range(image[:, :, begin:end]), old, new, "bicubic", step)[0]
    return small.clamp(0, 1), resize_affine(old, new)


def margin_of(scale: float) -> int:
    """How many pixels beyond the sampled area the prefilter and the bicubic kernel read at ``scale``."""
    return math.ceil(_MARGIN * max(1.0, 1 / max(scale, 1e-6)))


def widened(rect: Rect, margin: int, size: tuple[int, int]) -> Rect:
    """``rect`` with ``margin`` more pixels on each side, clipped to an image of ``size`` (height, width)."""
    left, top, right, bottom = rect
    return max(left - margin, 0), max(top - margin, 0), min(right + margin, size[1]), min(bottom + margin, size[0])


def covered_rect(source_size: tuple[int, int], source_to_image: Tensor, image_size: tuple[int, int]) -> Rect:
    """The pixels of an image that a warped source can touch.

    Args:
        source_size: (height, width) of the source.
        source_to_image: [2, 3].
        image_size: (height, width) of the image.

    Returns:
        The rectangle, clipped to the image; empty if right ≤ left.
    """
    x0, y0, x1, y1 = mapped_box(source_to_image, source_size)
    height, width = image_size
    return max(0, math.floor(x0)), max(0, math.floor(y0)), min(width, math.ceil(x1) + 1), min(height, math.ceil(y1) + 1)


def _visible_part(
    image_size: tuple[int, int], out_to_image: Tensor, size: tuple[int, int], margin: int
) -> tuple[int, int, int, int]:
    """What of the image can show, directly or in the mirror. Beyond its edges is nothing, or what is out of reach."""
    x0, y0, x1, y1 = mapped_box(out_to_image, size)
    left, right = _visible_range(x0 - margin, x1 + margin, image_size[1])
    top, bottom = _visible_range(y0 - margin, y1 + margin, image_size[0])
    return left, top, right, bottom


def _visible_range(low: float, high: float, side: int) -> tuple[int, int]:
    """The pixels of [0, side) that lie between ``low`` and ``high``, or whose mirror images beyond an edge do."""
    start, stop = math.floor(low), math.ceil(high) + 1
    if start < 0:
        stop = max(stop, -start)
    if stop > side:
        start = min(start, 2 * side - stop)
    start = min(max(start, 0), side - 1)
    return start, max(min(stop, side), start + 1)


def _leaves(part_size: tuple[int, int], out_to_part: Tensor, size: tuple[int, int]) -> bool:
    """Whether the bicubic kernel reaches beyond the part: where it doesn't, no time need be spent on what is there."""
    x0, y0, x1, y1 = mapped_box(out_to_part, size)
    return x0 < _KERNEL or y0 < _KERNEL or x1 > part_size[1] - 1 - _KERNEL or y1 > part_size[0] - 1 - _KERNEL


def _sample(part: Tensor, out_to_part: Tensor, size: tuple[int, int], padding: str) -> Tensor:
    """[C, h, w] → [C, *size], bicubic. torch gives each picture of a batch to a core: so the rows become a batch."""
    height, width = size
    bands = min(torch.get_num_threads(), height * width // _BAND) if part.device.type == "cpu" else 1
    rows = -(-height // max(bands, 1))
    bands = -(-height // rows)
    grid = _grid(out_to_part, (bands * rows, width), size_of(part)).to(part.device)
    sampled = F.grid_sample(
        part.expand(bands, -1, -1, -1), grid.view(bands, rows, width, 2),
        mode="bicubic", padding_mode=padding, align_corners=False,
    )  # fmt: skip
    return sampled.movedim(0, 1).reshape(-1, bands * rows, width)[:, :height]


def _grid(out_to_source: Tensor, size: tuple[int, int], source_size: tuple[int, int]) -> Tensor:
    """Source positions [h, w, 2] float32 of the output pixels, in grid_sample's units ([-1, 1] from edge to edge)."""
    height, width = source_size
    normalize = torch.tensor([[2 / width, 0.0, 1 / width - 1], [0.0, 2 / height, 1 / height - 1]], dtype=torch.float64)
    matrix = compose(out_to_source, normalize)
    across = matrix[:, :1] * torch.arange(size[1], dtype=torch.float64)
    along = matrix[:, 1:2] * torch.arange(size[0], dtype=torch.float64) + matrix[:, 2:]
    # One plane after the other, which is quicker; but grid_sample rounds another way at the end of planes.
    return (along[:, :, None] + across[:, None]).float().movedim(0, 2).contiguous()

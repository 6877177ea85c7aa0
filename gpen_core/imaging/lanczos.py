"""Lanczos resizing, implemented as matrix products."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..geometry import size_of
from ..polling import current_poll
from .numbers import highest_of, in_unit_range

_LOBES = 3  # Lanczos-3: the sinc's reach to each side, in pixels of the smaller picture
_BLOCK = 16  # outputs made by one product: more would multiply with more zeros, fewer be too small for a processor
_SEEN = 1 / 512  # alpha below half a step of 8 bits shows nothing


@dataclass(frozen=True, eq=False)
class _Block:
    """Adjacent outputs along an axis, and the ``weights`` [outputs, inputs] of the inputs they depend on."""

    outputs: slice
    inputs: slice
    weights: Tensor


def resize_lanczos(image: Tensor, size: tuple[int, int], out: Tensor | None = None) -> Tensor:
    """Resize with a Lanczos-3 filter, antialiased like Pillow's, in float32.

    Args:
        image: [C, H, W] in [0, 1], or of whole numbers as files have them. A fourth channel is alpha: colors are weighted by
            it, so that invisible pixels don't bleed into visible ones.
        size: (height, width) of the result.
        out: [C, height, width] float32 to write to. Without it, a floating-point image that already has this size is returned
            as is.

    Returns:
        [C, height, width] in [0, 1].
    """
    if size_of(image) == size:
        image = in_unit_range(image)
        return image if out is None else out.copy_(image)
    out = image.new_empty((len(image), *size), dtype=torch.float32) if out is None else out
    if len(image) != 4:
        return _resized(image, out)
    if bool((image[3] == highest_of(image)).all()):
        out[3] = 1
        _resized(image[:3], out[:3])
        return out
    image = in_unit_range(image)
    resized = _resized(torch.cat((image, image[:3] * image[3:])), out.new_empty(7, *size))
    new_alpha, weighted = resized[3:4], resized[4:]
    visible = (weighted / new_alpha.clamp_min(1e-6)).clamp_(0, 1)
    torch.where(new_alpha > _SEEN, visible, resized[:3], out=out[:3])
    out[3:] = new_alpha
    return out


@torch.no_grad()
def _resized(image: Tensor, out: Tensor) -> Tensor:
    """Resize plane by plane, on the CPU, since other devices may multiply with lower precision.

    A non-finite value affects all outputs of the blocks that contain it.
    """
    highest = highest_of(image)
    (old_height, old_width), (height, width), dtype = size_of(image), size_of(out), _whole_products()
    across, along = _blocks(old_width, width, dtype), _blocks(old_height, height, dtype)
    wide_first = old_height * width <= height * old_width
    # In memory of its own: where a matrix begins there decides in which order some libraries add.
    plane, resized = torch.empty(old_height, old_width, dtype=dtype), torch.empty(height, width, dtype=dtype)
    between = torch.empty((old_height, width) if wide_first else (height, old_width), dtype=dtype)
    for source, target in zip(image, out, strict=True):
        plane.copy_(source)
        if highest != 1:
            plane.div_(highest)
        if wide_first:
            _product(plane.T, across, between.T)
            _product(between, along, resized)
        else:
            _product(plane, along, between)
            _product(between.T, across, resized.T)
        torch.clamp(resized.to(out), 0, 1, out=target)
    return out


def _product(source: Tensor, blocks: list[_Block], out: Tensor) -> None:
    """Rows of ``source`` weighed together to those of ``out``."""
    poll = current_poll()
    for block in blocks:
        poll()
        torch.mm(block.weights, source[block.inputs], out=out[block.outputs])


def _whole_products() -> torch.dtype:
    """Float32, or float64 where a host may have allowed that products of float32 are rounded to fewer bits."""
    try:
        return torch.float32 if torch.get_float32_matmul_precision() == "highest" else torch.float64
    except RuntimeError:  # set through torch's newer settings, which this one can't read
        return torch.float64


def _blocks(old: int, new: int, dtype: torch.dtype) -> list[_Block]:
    """An axis of ``old`` pixels resized to ``new``: weights that add up to 1 for each output, then rounded to ``dtype``."""
    scale, many = old / new, min(_BLOCK, new)
    widened = max(scale, 1.0)
    first = torch.arange(0, new, many)
    center = (first[:, None] + torch.arange(many) + 0.5).double() * scale  # [blocks, outputs], from the picture's edge
    start = (center[:, 0] - _LOBES * widened).floor().clamp_min(0)
    reach = min(old, math.ceil((many - 1) * scale + 2 * _LOBES * widened) + 1)
    inputs = start[:, None] + torch.arange(reach)
    x = (inputs[:, None] + 0.5 - center[:, :, None]) / widened
    seen = (x.abs() < _LOBES) & (inputs < old)[:, None]
    weights = torch.where(seen, torch.sinc(x) * torch.sinc(x / _LOBES), 0.0)
    weights = (weights / weights.sum(2, keepdim=True)).to(dtype)
    return [
        _Block(slice(at, min(at + many, new)), slice(begin, begin + reach), part[: new - at, : old - begin])
        for at, begin, part in zip(first.tolist(), start.long().tolist(), weights, strict=True)
    ]

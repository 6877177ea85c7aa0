"""Lanczos resizing, at the speed of matrix products."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..geometry import size_of

_LOBES = 3  # Lanczos-3: the sinc's reach to each side, in pixels of the smaller picture
_BLOCK = 16  # outputs made by one product: more would multiply with more zeros, fewer be too small for a processor
_SEEN = 1 / 512  # alpha below half a step of 8 bits shows nothing


@dataclass(frozen=True, eq=False)
class _Block:
    """Neighbouring outputs of an axis, ``weights`` [outputs, inputs] of the inputs that they see."""

    outputs: slice
    inputs: slice
    weights: Tensor


def resize_lanczos(image: Tensor, size: tuple[int, int], out: Tensor | None = None) -> Tensor:
    """[C, H, W] in [0, 1] → [C, *size], Lanczos-3, prefiltered where it shrinks, in float32 throughout (as Pillow's).

    A fourth channel is alpha: colours then count by their alpha, so what is invisible doesn't bleed into what is seen.
    ``out`` [C, *size] float32 is where the result goes, if given; else a picture of that size already comes back as it is.
    """
    if size_of(image) == size:
        return image if out is None else out.copy_(image)
    out = image.new_empty((len(image), *size), dtype=torch.float32) if out is None else out
    if len(image) != 4:
        return _resized(image, out)
    if bool((image[3] == 1).all()):
        out[3] = 1
        _resized(image[:3], out[:3])
        return out
    resized = _resized(torch.cat((image, image[:3] * image[3:])), out.new_empty(7, *size))
    new_alpha, weighted = resized[3:4], resized[4:]
    visible = (weighted / new_alpha.clamp_min(1e-6)).clamp_(0, 1)
    torch.where(new_alpha > _SEEN, visible, resized[:3], out=out[:3])
    out[3:] = new_alpha
    return out


@torch.no_grad()
def _resized(image: Tensor, out: Tensor) -> Tensor:
    """Plane after plane, on the CPU: other devices may multiply with fewer bits. A number that is not finite spoils the
    outputs of the blocks that see it."""
    (old_height, old_width), (height, width), dtype = size_of(image), size_of(out), _whole_products()
    across, along = _blocks(old_width, width, dtype), _blocks(old_height, height, dtype)
    wide_first = old_height * width <= height * old_width
    # In memory of its own: where a matrix begins there decides in which order some libraries add.
    plane, resized = torch.empty(old_height, old_width, dtype=dtype), torch.empty(height, width, dtype=dtype)
    between = torch.empty((old_height, width) if wide_first else (height, old_width), dtype=dtype)
    for source, target in zip(image, out, strict=True):
        plane.copy_(source)
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
    for block in blocks:
        torch.mm(block.weights, source[block.inputs], out=out[block.outputs])


def _whole_products() -> torch.dtype:
    """Float32, or float64 where a host may have allowed that products of float32 are rounded to fewer bits."""
    try:
        return torch.float32 if torch.get_float32_matmul_precision() == "highest" else torch.float64
    except RuntimeError:  # set by torch's newer settings, of which this one doesn't know
        return torch.float64


def _blocks(old: int, new: int, dtype: torch.dtype) -> list[_Block]:
    """An axis of ``old`` pixels resized to ``new``: weights that add up to 1 for each output, then rounded to ``dtype``."""
    scale, many = old / new, min(_BLOCK, new)
    widened = max(scale, 1.0)
    first = torch.arange(0, new, many)
    centre = (first[:, None] + torch.arange(many) + 0.5).double() * scale  # [blocks, outputs], from the picture's edge
    start = (centre[:, 0] - _LOBES * widened).floor().clamp_min(0)
    reach = min(old, math.ceil((many - 1) * scale + 2 * _LOBES * widened) + 1)
    inputs = start[:, None] + torch.arange(reach)
    x = (inputs[:, None] + 0.5 - centre[:, :, None]) / widened
    seen = (x.abs() < _LOBES) & (inputs < old)[:, None]
    weights = torch.where(seen, torch.sinc(x) * torch.sinc(x / _LOBES), 0.0)
    weights = (weights / weights.sum(2, keepdim=True)).to(dtype)
    return [
        _Block(slice(at, min(at + many, new)), slice(begin, begin + reach), part[: new - at, : old - begin])
        for at, begin, part in zip(first.tolist(), start.long().tolist(), weights, strict=True)
    ]

"""Pixels as whole numbers of 8 or 16 bits, as files have them, and as floating point in [0, 1], as they are computed with."""

from __future__ import annotations

import torch
from torch import Tensor


def highest_of(pixels: Tensor) -> int:
    """The number that stands for 1: 255 or 65535 of whole numbers, 1 of floating point."""
    if pixels.is_floating_point():
        return 1
    return 255 if pixels.dtype == torch.uint8 else 65535


def is_stored(pixels: Tensor) -> bool:
    """Whether they are whole numbers as files have them."""
    return pixels.dtype in (torch.uint8, getattr(torch, "uint16", torch.uint8))


def in_unit_range(pixels: Tensor) -> Tensor:
    """Pixels of any kind → float32 in [0, 1], in one piece; what is floating point is passed through."""
    if pixels.is_floating_point():
        return pixels.float()
    floats = torch.empty(pixels.shape, dtype=torch.float32, device=pixels.device)
    return floats.copy_(pixels).div_(highest_of(pixels))


def as_kind_of(floats: Tensor, pixels: Tensor) -> Tensor:
    """The way back: float32 in [0, 1] → the kind of ``pixels``, clamped and rounded where that is whole numbers."""
    if pixels.is_floating_point():
        return floats.to(pixels.dtype)
    highest = highest_of(pixels)
    return (floats * highest).clamp_(0, highest).round_().to(pixels.dtype)


def is_finite(frame: Tensor) -> bool:
    """Whether every value of the frame is a number. A sum is finite only if all of it is, and takes a tenth of the time."""
    if not frame.is_floating_point():  # whole numbers of a file, whose sum would take eight bytes for each
        return True
    return bool(torch.isfinite(frame.sum())) or bool(torch.isfinite(frame).all())

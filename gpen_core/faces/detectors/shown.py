"""A frame as detectors look at it: windows of it as floating point, so that a large scan never is all floating point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from ...imaging.numbers import in_unit_range
from ...imaging.warp import Rect, resize_parts

_BAND = 1 << 21  # pixels that are floating point at a time


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame, and what is done to each of its pixels before a network sees it.

    Attributes:
        frame: [3, H, W] RGB: floating point in [0, 1], or uint8 or uint16 as files have it.
        change: Each window, [3, h, w] in [0, 1], as it is seen.
    """

    frame: Tensor
    change: Callable[[Tensor], Tensor] | None = None

    @property
    def shape(self) -> torch.Size:
        """[3, H, W]."""
        return self.frame.shape

    def sample(self, step: int) -> Tensor:
        """Every ``step``-th pixel of every such row, [3, h, w] in [0, 1]."""
        return self._seen(self.frame[:, ::step, ::step])

    def changed(self, change: Callable[[Tensor], Tensor]) -> Shown:
        """The same frame, seen with another change after its own."""
        own = self.change
        return replace(self, change=change if own is None else lambda window: change(own(window)))

    def window(self, rect: Rect, size: tuple[int, int]) -> Tensor:
        """A part of the frame at this (height, width), [3, height, width] in [0, 1], antialiased when shrinking."""
        left, top, right, bottom = rect
        part = self.frame[:, top:bottom, left:right]
        if part.shape[-2:] == size:
            return self._seen(part)
        pixels = (bottom - top) * (right - left)
        whole = pixels <= _BAND or (self.frame.is_floating_point() and self.change is None)
        step = right - left if whole else max(1, _BAND // (bottom - top))
        return resize_parts(partial(self._columns, part), (bottom - top, right - left), size, "bilinear", step)[0]

    def _columns(self, part: Tensor, begin: int, end: int) -> Tensor:
        return self._seen(part[:, :, begin:end])

    def _seen(self, part: Tensor) -> Tensor:
        floats = in_unit_range(part)
        return floats if self.change is None else self.change(floats)

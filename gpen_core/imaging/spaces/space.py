"""A file's colors as networks should see them, and back; what sRGB does not have comes through where nothing is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from ...geometry import size_of
from ...polling import current_poll
from ..lanczos import resize_lanczos
from ..numbers import as_kind_of, in_unit_range

_BAND = 1 << 20  # pixels converted at a time
_NOTHING = 1e-6
_DEEP = 65535
_STEP = 1.5 / 255


class Colors(Protocol):
    """How colors are converted."""

    def to_srgb(self, colors: Tensor) -> Tensor:
        """[3, N] in [0, 1] → sRGB, clamped to [0, 1]."""

    def from_srgb(self, colors: Tensor) -> Tensor:
        """The way back."""


class Unbounded:
    """sRGB whose file has values beyond [0, 1]: lights brighter than white."""

    def to_srgb(self, colors: Tensor) -> Tensor:
        """They are clamped already."""
        return colors

    def from_srgb(self, colors: Tensor) -> Tensor:
        """The way back."""
        return colors


class Space:
    """A color space other than sRGB.

    Args:
        colors: How its colors are converted.

    Attributes:
        mode: What its numbers are: "RGB"; of an ``InkSpace``, something else.
    """

    mode = "RGB"

    def __init__(self, colors: Colors) -> None:
        self._colors = colors

    @property
    def leads_back(self) -> bool:
        """Whether there is a way back from sRGB."""
        return getattr(self._colors, "leads_back", True)

    def seen(self, numbers: Tensor) -> Tensor:
        """[3 or 4, H, W] of the file → the same in sRGB, of 16 bits, or floating point where the file is."""
        kind = torch.float32 if numbers.is_floating_point() else getattr(torch, "uint16", torch.float32)
        seen = torch.empty(numbers.shape, dtype=kind)
        for rows in bands(numbers):
            part = _copied(numbers[:, rows])
            part[:3] = self._srgb(part[:3])
            seen[:, rows] = as_kind_of(part, seen)
        return seen

    def back(self, frame: Tensor, numbers: Tensor, replaced: Tensor) -> Tensor:
        """What became of ``seen(numbers)`` in the file's colors.

        Args:
            frame: [C, H', W'] in sRGB.
            numbers: [C, H, W], the file's.
            replaced: [1, H', W'] in [0, 1], how much of each pixel is new.

        Returns:
            [C, H', W'] of the kind of ``numbers`` where the size is the same, else float32. Pixels that were not replaced
            keep their very numbers then.
        """
        if size_of(frame) == size_of(numbers):
            result = torch.empty(frame.shape, dtype=numbers.dtype)
            for rows in bands(frame):
                part, left = _copied(frame[:, rows]), self._left_out(numbers[:3, rows])
                part[:3] = self._file(part[:3]).add_(left * (1 - replaced[:, rows]))
                result[:, rows] = as_kind_of(part, numbers)
            return result
        left = self._left_out(numbers[:3])
        part = _copied(frame)
        for rows in bands(part):
            part[:3, rows] = self._file(part[:3, rows])
        if (most := float(left.abs().amax())) > _NOTHING:
            grown = resize_lanczos(left.mul_(0.5 / most).add_(0.5), size_of(frame)).sub_(0.5).mul_(2 * most)
            part[:3].add_(grown.mul_(1 - replaced))
        return part

    def _left_out(self, numbers: Tensor) -> Tensor:
        """[3, H, W]: what of the file's colors ``seen`` does not show, floating point."""
        file = in_unit_range(numbers)
        seen = self._srgb(file)
        if not numbers.is_floating_point():
            seen = seen.mul_(_DEEP).round_().div_(_DEEP)
        return file - self._file(seen)

    def _srgb(self, pixels: Tensor) -> Tensor:
        return self._colors.to_srgb(pixels.reshape(3, -1).clamp(0, 1)).view(pixels.shape)

    def _file(self, pixels: Tensor) -> Tensor:
        return self._colors.from_srgb(pixels.reshape(3, -1).clamp(0, 1)).view(pixels.shape)


def is_srgb(colors: Colors, tolerance: float = _STEP) -> bool:
    """Whether the space is sRGB for all that a file of 8 bits can tell."""
    grid = _grid()
    return bool((colors.to_srgb(grid) - grid).abs().amax() < tolerance)


def are_alike(one: Space | None, other: Space | None) -> bool:
    """Whether numbers mean the same colors in two spaces, as far as a file of 8 bits can tell; None is sRGB."""
    shown = [_grid()[:, None] if space is None else space.seen(_grid()[:, None]) for space in (one, other)]
    return bool((shown[0] - shown[1]).abs().amax() < 2 * _STEP)


def _grid() -> Tensor:
    """[3, 729] of all colors."""
    steps = torch.linspace(0, 1, 9)
    return torch.stack(torch.meshgrid(steps, steps, steps, indexing="ij")).reshape(3, -1)


def _copied(pixels: Tensor) -> Tensor:
    """Floating point in memory of its own."""
    floats = in_unit_range(pixels)
    return floats.clone() if pixels.is_floating_point() else floats


def bands(pixels: Tensor) -> Iterator[slice]:
    """Rows of [C, H, W], about a million pixels at a time."""
    height, width = size_of(pixels)
    step = max(1, _BAND // max(1, width))
    poll = current_poll()
    for begin in range(0, height, step):
        poll()
        yield slice(begin, min(begin + step, height))

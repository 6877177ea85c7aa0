"""Maps handed on in blocks of rows, so that what lies between two layers stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Windows = Iterable[Tensor]  # consecutive rows of one map with the row above and the row below, each [N, C, rows + 2, W]
Rows = Callable[[int, int, slice], Tensor]  # (first, end, part) → those rows of a map, part of its channels

ALL = slice(None)


@dataclass(frozen=True)
class Blocking:
    """What is made by rows, and how many at a time.

    The figures were the best of benchmarks/networks.py on a CPU of 32 MiB cache: larger blocks fall out of it, smaller ones
    make their neighbors too often.

    ``together``: maps of smaller sides are made whole, of many samples at once; larger ones of one sample at a time.
    ``joint``: elements of the largest of those (2²¹ are 8 MiB in float32, two samples of 512 px): all features of as many
    samples have to be kept, and glibc asks the system anew for what is above 32 MiB.
    ``side``: from here up they are made by rows.
    ``elements``: of a block (3·2²⁰ are 12 MiB in float32); what is freed is then used again and not given back to the system.
    ``made_twice``: elements above which the encoder's second feature is not kept but made again where it is used.
    """

    together: int = 64
    joint: int = 1 << 21
    side: int = 128
    elements: int = 3 << 20
    made_twice: int = 1 << 24


class Reader:
    """Rows of a map, for several threads at once."""

    def __init__(self, rows: Rows) -> None:
        self.make = rows

    def announce(self, first: int, end: int) -> None:
        """These rows will be asked for: to be said by the one thread that shares the work out."""

    def __call__(self, first: int, end: int, part: slice = ALL) -> Tensor:
        """Rows ``first`` … ``end``, ``part`` of their channels."""
        return self.make(first, end, part)


def rows_of(x: Tensor) -> Reader:
    """Of a map [N, C, H, W] that is there as a whole."""
    return Reader(lambda first, end, part: x[:, part, first:end])


class Remembered(Reader):
    """Rows that two readers want, one a few blocks behind the other: made once, or again where they are forgotten.

    ``shared``: makes rows by several threads. (first, end)
    """

    def __init__(self, rows: Rows, shared: Callable[[int, int], Tensor], blocks: int = 3) -> None:
        super().__init__(rows)
        self.shared, self.blocks = shared, blocks
        self.begin = self.end = 0
        self.kept: list[Tensor] = []

    def announce(self, first: int, end: int) -> None:
        """Make what lies below the last rows, down to ``end``; forget the oldest."""
        if end > self.end:
            self.kept.append(self.shared(self.end, end))
            self.end = end
            while len(self.kept) > self.blocks:
                self.begin += self.kept.pop(0).shape[2]

    def __call__(self, first: int, end: int, part: slice = ALL) -> Tensor:
        """Rows ``first`` … ``end``, ``part`` of their channels: those that are kept, or made again."""
        if first < self.begin or end > self.end:
            return self.make(first, end, part)
        found, begin = [], self.begin
        for block in self.kept:
            found.append(block[:, part, max(0, first - begin) : max(0, end - begin)])
            begin += block.shape[2]
        found = [rows for rows in found if rows.shape[2]]
        return found[0] if len(found) == 1 else torch.cat(found, 2)


class Strip:
    """A map made from top to bottom, each block where its neighbors' rows already lie, so that none is copied to join them.

    ``room`` is where the next rows go; ``window`` then holds all rows that a kernel of 3×3 can be applied to, ``multiple``
    at a time, with the one above and the one below: zeros outside of the map.
    """

    def __init__(self, height: int, multiple: int = 1) -> None:
        self.left, self.multiple = height, multiple
        self.carried: Tensor | None = None

    def room(self, like: Tensor, channels: int, rows: int, width: int) -> Tensor:
        """[N, channels, rows, width], uninitialized, N, precision and device of ``like``; channels last."""
        above = 1 if self.carried is None else self.carried.shape[2]
        self.left -= rows
        total = above + rows + (self.left == 0)
        self.joined = like.new_empty(len(like), total, width, channels).permute(0, 3, 1, 2)
        self.joined[:, :, :above] = 0 if self.carried is None else self.carried
        if self.left == 0:
            self.joined[:, :, -1:] = 0
        return self.joined[:, :, above : above + rows]

    def window(self) -> Iterator[Tensor]:
        """One, or none where the rows do not suffice yet."""
        joined, self.joined = self.joined, None  # type: ignore[assignment]
        made = joined.shape[2] - 2
        kept = made % self.multiple if self.left else 0
        self.carried = joined[:, :, made - kept :]
        if made > kept:
            yield joined[:, :, : joined.shape[2] - kept]


def whole(x: Tensor, channels: int, side: int) -> tuple[Tensor, Tensor]:
    """Room for a whole map: its window [N, channels, side + 2, side] and the map within; N and precision of ``x``."""
    strip = Strip(side)
    inside = strip.room(x, channels, side, side)
    return next(strip.window()), inside


def parted(windows: Windows, rows: int) -> Iterator[Tensor]:
    """The same map in windows of about ``rows`` rows and their neighbors, none of them much smaller."""
    for window in windows:
        made = window.shape[2] - 2
        first = 0
        for part in range(-(-made // rows), 0, -1):
            end = first + -(-(made - first) // part)
            yield window[:, :, first : end + 2]
            first = end


def pointwise(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A 1×1 convolution by oneDNN, whatever the number of threads.

    With one thread torch takes another way, whose last bits differ, but not for dilated ones; of 1×1 there is nothing to
    dilate.
    """
    return F.conv2d(x, weight, bias, dilation=2)


def channels_last(x: Tensor) -> Tensor:
    """The layout that oneDNN's convolutions are fastest in; a copy where ``x`` has another."""
    return x.contiguous(memory_format=torch.channels_last)

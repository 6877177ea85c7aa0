"""Maps handed on in blocks of rows, so that what lies between two layers stays in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

Blocks = Iterable[Tensor]  # consecutive rows of one map from top to bottom, each [N, C, rows, W]
Rows = Callable[[int, int], Tensor]  # (first, end) → those rows of a map


@dataclass(frozen=True)
class Blocking:
    """What is made by rows, and how many at a time. The figures were the best of benchmarks/networks.py on a CPU of 32 MiB
    cache: larger blocks fall out of it, smaller ones make their neighbours too often.

    ``side``: from which maps are made by rows, one sample at a time; smaller ones are whole, of all samples at once.
    ``elements``: of a block (2²¹ are 8 MiB in float32); what is freed is then used again and not given back to the system.
    ``made_twice``: elements above which the encoder's second feature is not kept but made again where it is used.
    """

    side: int = 128
    elements: int = 1 << 21
    made_twice: int = 1 << 24


def rows_of(x: Tensor) -> Rows:
    """Of a map [N, C, H, W] that is there as a whole."""
    return lambda first, end: x[:, :, first:end]


class Remembered:
    """Rows that two readers want, one a few blocks behind the other: made once, or again where they are forgotten."""

    def __init__(self, rows: Rows, blocks: int = 3) -> None:
        self.make, self.blocks = rows, blocks
        self.begin = self.end = 0
        self.kept: list[Tensor] = []

    def __call__(self, first: int, end: int) -> Tensor:
        if first < self.begin:
            return self.make(first, end)
        if end > self.end:
            self.kept.append(self.make(self.end, end))
            self.end = end
            while len(self.kept) > self.blocks:
                self.begin += self.kept.pop(0).shape[2]
        found, begin = [], self.begin
        for block in self.kept:
            found.append(block[:, :, max(0, first - begin) : max(0, end - begin)])
            begin += block.shape[2]
        found = [rows for rows in found if rows.shape[2]]
        return found[0] if len(found) == 1 else torch.cat(found, 2)


def windows(blocks: Blocks, above: int, below: int) -> Iterator[Tensor]:
    """The same rows with their neighbours, ``above`` and ``below``: zeros outside of the map.

    A kernel of above + below + 1 rows, unpadded, makes of the windows every row of the map exactly once.
    """
    blocks = iter(blocks)
    held = next(blocks)
    seen = _zero_rows(held, above)
    for block in blocks:
        if held.shape[2] <= below:  # a window of nothing but neighbours
            held = torch.cat((held, block), 2)
            continue
        window = torch.cat((seen, held), 2)
        seen = window[:, :, window.shape[2] - above - below :]
        yield window
        held = block
    yield torch.cat((seen, held, _zero_rows(held, below)), 2)


def _zero_rows(like: Tensor, count: int) -> Tensor:
    batch, channels, _, width = like.shape
    return channels_last(like.new_zeros(batch, channels, count, width))


def channels_last(x: Tensor) -> Tensor:
    """The layout that oneDNN's convolutions are fastest in; a copy where ``x`` has another."""
    return x.contiguous(memory_format=torch.channels_last)

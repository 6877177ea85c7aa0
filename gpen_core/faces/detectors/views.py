"""Views: windows of the frame, resized and rotated for the network, and the mapping back to the frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...types import Box
from .shown import Shown


@dataclass(frozen=True)
class View:
    """A window of the frame, resized and then rotated.

    Attributes:
        left: First column.
        top: First row.
        right: Column after the last.
        bottom: Row after the last.
        size: (height, width) after resizing, in pixels.
        turns: Counterclockwise quarter turns after that, as in ``torch.rot90``.
    """

    left: int
    top: int
    right: int
    bottom: int
    size: tuple[int, int]
    turns: int = 0

    @property
    def scale(self) -> float:
        """View pixels per frame pixel."""
        return math.sqrt(self.size[0] * self.size[1] / ((self.right - self.left) * (self.bottom - self.top)))

    def pixels(self, frame: Tensor | Shown) -> Tensor:
        """Extract the view [3, h, w] from ``frame`` [3, H, W], antialiased when shrinking."""
        shown = frame if isinstance(frame, Shown) else Shown(frame)
        window = shown.window((self.left, self.top, self.right, self.bottom), self.size)
        return torch.rot90(window, self.turns, (1, 2)).contiguous()

    def to_frame(self, points: Tensor) -> Tensor:
        """points: [..., 2] as x, y in the view → the same points in the frame."""
        (height, width), (x, y) = self.size, points.unbind(-1)
        x, y = ((x, y), (width - 1 - y, x), (width - 1 - x, height - 1 - y), (y, height - 1 - x))[self.turns % 4]
        x = (x + 0.5) * ((self.right - self.left) / width) - 0.5 + self.left
        y = (y + 0.5) * ((self.bottom - self.top) / height) - 0.5 + self.top
        return torch.stack((x, y), dim=-1)

    def boxes_to_frame(self, boxes: Tensor) -> Tensor:
        """boxes: [N, 4] x0 y0 x1 y1 in the view → the same boxes in the frame."""
        corners = self.to_frame(boxes.view(-1, 2, 2))
        return torch.cat((corners.amin(dim=1), corners.amax(dim=1)), dim=1)


def whole(frame_size: tuple[int, int], max_side: int, turns: int = 0) -> View:
    """All of the frame, its long side shrunk to ``max_side`` where it is longer."""
    height, width = frame_size
    return _view((0, 0, width, height), min(1.0, max_side / max(frame_size)), turns)


def around(box: Box, frame_size: tuple[int, int], face_side: float, turns: int = 0, context: float = 3.0) -> View:
    """The neighborhood of a face, ``context`` times its longer side, scaled so that this side is ``face_side`` pixels."""
    height, width = frame_size
    side = max(box[2] - box[0], box[3] - box[1], 1.0)
    center_x, center_y, half = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, side * context / 2
    left, top = (int(min(max(c - half, 0), limit - 1)) for c, limit in ((center_x, width), (center_y, height)))
    right, bottom = min(width, math.ceil(center_x + half) + 1), min(height, math.ceil(center_y + half) + 1)
    return _view((left, top, max(right, left + 1), max(bottom, top + 1)), face_side / side, turns)


@dataclass(frozen=True)
class Tile:
    """A view and the part of the frame it answers for: faces whose center lies in ``core`` and no others.

    The core keeps half an overlap away from the edges it shares with other tiles, so a face no larger than the overlap is
    whole in the tile that answers for it, and no face is answered for twice.
    """

    view: View
    core: Box


def tiles(frame_size: tuple[int, int], scale: float, tile_side: int, overlap: float) -> list[Tile]:
    """Cover the frame with views of ``scale`` no larger than about ``tile_side`` pixels; ``overlap`` in frame pixels."""
    height, width = frame_size
    columns, rows = (_spans(length, tile_side / scale, overlap) for length in (width, height))
    return [
        Tile(_view((left, top, right, bottom), scale, 0), (core_left, core_top, core_right, core_bottom))
        for top, bottom, core_top, core_bottom in rows
        for left, right, core_left, core_right in columns
    ]


def _spans(length: int, span: float, overlap: float) -> list[tuple[int, int, float, float]]:
    """Equal overlapping spans as (start, end, core start, core end); outermost cores are unbounded."""
    step = max(span - overlap, span / 4)  # never more than 4 times the work, however large the overlap
    count = 1 if length <= span else math.ceil(length / step)
    edges = [length * i / count for i in range(count + 1)]
    cores = [-math.inf, *edges[1:-1], math.inf]
    starts = [max(0, math.floor(edge - overlap / 2)) for edge in edges[:-1]]
    ends = [min(length, math.ceil(edge + overlap / 2)) for edge in edges[1:]]
    return list(zip(starts, ends, cores[:-1], cores[1:], strict=True))


def _view(window: tuple[int, int, int, int], scale: float, turns: int) -> View:
    left, top, right, bottom = window
    size = (max(1, round((bottom - top) * scale)), max(1, round((right - left) * scale)))
    return View(left, top, right, bottom, size, turns % 4)

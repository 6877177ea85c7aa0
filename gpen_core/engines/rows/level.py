"""One level up by rows: what ``Layer.whole`` and ``RgbLayer.whole`` make of whole maps, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ...model.ops import ACTIVATION_GAIN, fir_upsample
from . import winograd
from .generator import Layer, RgbLayer
from .rows import Reader, Strip, Windows, pointwise
from .workers import CHANNELS, Piece, Team, cuts


class ResolutionLevel:
    """For one sample, once."""

    def __init__(
        self, layers: tuple[Layer, Layer], colors: RgbLayer, features: tuple[Reader, Reader], team: Team
    ) -> None:
        self.layers, self.colors, self.features, self.team = layers, colors, features, team

    def prepare(self, w: Tensor) -> list[Piece]:
        """What makes the sample's weights, for its style w [1, style_dim]: to be run before the level is called."""
        self.first = _Upsampling(
            self.layers[0], self.features[0], self.team, winograd.ROWS if self.layers[1].winograd else 1
        )
        self.second = _Convolving(self.layers[1], self.features[1], self.team, self.colors)
        return [*self.first.prepare(w), *self.second.prepare(w)]

    def __call__(self, windows: Windows, running: Tensor, rgb: Tensor) -> Iterator[Tensor]:
        """``windows`` of the level below, [1, C, rows + 2, W] → windows of one twice the size.

        Fills ``rgb`` [1, 3, 2H, 2W] from ``running`` [1, 3, H, W], the level below's, of which as many rows must be there as
        have come.

        Several threads make a block's first convolution and the second one of the block before at once: the more pieces
        there are, the less the threads wait for each other. One makes them in turn, while they are in the cache.
        """
        waiting: list[Tensor] = []
        for window in windows:
            yield from self._run(waiting, running, rgb, self.first.begin(window))
            waiting = list(self.first.end())
            if self.team.count == 1:
                yield from self._run(waiting, running, rgb)
        yield from self._run(waiting, running, rgb)

    def _run(
        self, waiting: list[Tensor], running: Tensor, rgb: Tensor, others: list[Piece] | None = None
    ) -> Iterator[Tensor]:
        """The second convolution of the block that waits, if one does, beside other pieces."""
        pieces = [piece for window in waiting for piece in self.second.begin(window, running, rgb)]
        self.team.run([*pieces, *(others or [])])
        done = bool(waiting)
        waiting.clear()  # lest it be held while others work
        if done:
            yield from self.second.end()


class _Upsampling:
    """The first convolution of a level.

    Where it can, a piece has all rows of a block and some of the channels: what it makes of the rows at its edges need not be
    made twice.
    """

    def __init__(self, layer: Layer, feature: Reader, team: Team, multiple: int) -> None:
        self.layer, self.feature, self.team = layer, feature, team
        self.parts = [slice(*part) for part in cuts(layer.injection.outputs, team.count, least=CHANNELS)]
        self.strip, self.done = Strip(layer.side, multiple), 0

    def prepare(self, w: Tensor) -> list[Piece]:
        self.weights: list[Tensor] = [w] * len(self.parts)
        return [partial(self._prepare, w, index) for index in range(len(self.parts))]

    def _prepare(self, w: Tensor, index: int) -> None:
        self.weights[index] = self.layer.conv.weight_for(w, ACTIVATION_GAIN, self.parts[index])

    def begin(self, window: Tensor) -> list[Piece]:
        """[1, I, rows + 2, W] → what makes a block of twice as many rows, which ``end`` then gives."""
        rows = window.shape[2] - 2
        room = self.strip.room(window, self.layer.injection.joined, 2 * rows, self.layer.side)
        self.feature.announce(self.done, self.done + 2 * rows)
        pieces: list[Piece] = [
            partial(self._make, index, *some, window, room, self.done)
            for index in range(len(self.parts))
            for some in cuts(rows, self.team.count // len(self.parts))
        ]
        self.done += 2 * rows
        return pieces

    def end(self) -> Iterator[Tensor]:
        return self.strip.window()

    def _make(self, index: int, first: int, end: int, window: Tensor, room: Tensor, done: int) -> None:
        injection, part = self.layer.injection, self.parts[index]
        x = F.conv_transpose2d(window[:, :, first : end + 2], self.weights[index], stride=2)[:, :, 1:-1]
        fir, bias = cast(Tensor, self.layer.fir)[part], injection.output_bias[part]
        inside = room[:, :, 2 * first : 2 * end]
        inside[:, : injection.outputs][:, part] = F.conv2d(x, fir, bias, padding=(0, 1), groups=len(bias))
        injection(inside, self.feature(done + 2 * first, done + 2 * end, part), part)


class _Convolving:
    """The second convolution of a level, and its colors: a piece has some of the rows."""

    def __init__(self, layer: Layer, feature: Reader, team: Team, colors: RgbLayer) -> None:
        self.layer, self.feature, self.team, self.colors = layer, feature, team, colors
        self.strip, self.done = Strip(layer.side), 0
        self.kernels: winograd.Kernels | None = None

    def prepare(self, w: Tensor) -> list[Piece]:
        self.rgb = self.colors.conv.weight_for(w, ACTIVATION_GAIN)
        return [partial(self._prepare, w)]

    def _prepare(self, w: Tensor) -> None:
        self.weight = self.layer.conv.weight_for(w, ACTIVATION_GAIN)
        if self.layer.winograd:
            self.kernels = winograd.transformed(self.weight)

    def begin(self, window: Tensor, running: Tensor, rgb: Tensor) -> list[Piece]:
        """[1, I, rows + 2, W] → what makes a block of as many rows, which ``end`` then gives, and those rows of ``rgb``."""
        rows = window.shape[2] - 2
        room = self.strip.room(window, self.layer.injection.joined, rows, self.layer.side)
        self.feature.announce(self.done, self.done + rows)
        parts = cuts(rows, self.team.count, winograd.ROWS if self.kernels else 1)
        pieces: list[Piece] = [partial(self._make, *part, window, room, running, rgb, self.done) for part in parts]
        self.done += rows
        return pieces

    def end(self) -> Iterator[Tensor]:
        return self.strip.window()

    def _make(
        self, first: int, end: int, window: Tensor, room: Tensor, running: Tensor, rgb: Tensor, done: int
    ) -> None:
        injection, rows = self.layer.injection, room[:, :, first:end]
        self._convolve(window[:, :, first : end + 2], rows[:, : injection.outputs])
        injection(rows, self.feature(done + first, done + end))
        made = pointwise(rows, self.rgb, self.colors.bias)
        first, end = done + first, done + end
        torch.add(made, self._doubled(running, first, end), out=rgb[:, :, first:end])

    def _convolve(self, window: Tensor, out: Tensor) -> None:
        bias = self.layer.injection.output_bias
        if self.kernels is None:
            out.copy_(F.conv2d(window, self.weight, bias, padding=(0, 1)))
        else:
            winograd.convolve(window, self.kernels, bias, out)

    def _doubled(self, running: Tensor, first: int, end: int) -> Tensor:
        """Rows of the running image through the FIR: each comes from the two rows nearest to it."""
        height = running.shape[2]
        low, high = (first - 1) // 2, end // 2 + 1
        part = running[:, :, max(low, 0) : min(high, height)]
        part = F.pad(part, (0, 0, max(-low, 0), max(high - height, 0)))
        return fir_upsample(part, cast(Tensor, self.colors.kernel))[:, :, first - 2 * low : end - 2 * low]

"""The generator: whole maps where they are small, rows of one sample at a time where they are large."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ...model.ops import ACTIVATION_GAIN, fir_upsample
from ...model.styled import StyledConv, ToRgb
from . import winograd
from .encoder import fir_weight
from .rows import Reader, Strip, Windows, channels_last, whole
from .steering import Injection, Steered
from .upsampling import LARGEST, phases, upsample
from .workers import CHANNELS, Piece, Team, cuts

_ROWS = 16  # of a whole map, at least

Convolve = Callable[[slice, Tensor, Tensor], None]  # (which channels, their scale, where they go)

# Maps and features here lack the factor √2 of the leaky ReLU that they come from; the next weight brings it.


class Layer:
    """A styled convolution of maps that become ``side`` high, prepared. ``feature_gain``: the factor that its features lack.
    ``whole``: whether it will make whole maps; its kernels are then the same for all of them."""

    def __init__(self, layer: StyledConv, side: int, feature_gain: float, *, whole: bool) -> None:
        self.side = side
        weight, blur = layer.conv.weight[0], layer.conv.blur
        self.winograd = blur is None and winograd.worthwhile(weight.element_size(), len(weight), side)
        self.kernels = winograd.transformed(channels_last(weight)) if whole and self.winograd else None
        self.phases = phases(weight) if whole and blur is not None and side <= 2 * LARGEST else None
        self.conv = Steered(layer, laid_out=not (self.kernels or self.phases))
        self.injection = Injection.of(layer, feature_gain)
        self.fir = fir_weight(blur.kernel, self.injection.outputs, weight.dtype) if blur else None

    def whole(self, window: Tensor, w: Tensor, feature: Tensor, gain: float, team: Team) -> Tensor:
        """A whole map's window [N, I, H + 2, W] → that of the layer's result, joined with ``feature``. The maps are
        scaled, not the weights: one weight, of many channels, serves all samples."""
        style, outputs = self.conv.scales(w, gain)
        joined, inside = whole(window, self.injection.joined, self.side)
        scale = style.to(window.dtype)[:, :, None, None]
        outputs = cast(Tensor, outputs).to(inside.dtype)[:, :, None, None]  # only colours are not demodulated
        convolve = (
            self._upsampling(window, scale, team) if self.fir is not None else self._convolving(window, scale, team)
        )
        # The weights are large here: each is read by one thread only.
        parts = cuts(self.injection.outputs, team.count, least=CHANNELS)
        team.run([partial(self._part, slice(*part), convolve, inside, feature, outputs) for part in parts])
        return joined

    def _part(self, part: slice, convolve: Convolve, inside: Tensor, feature: Tensor, outputs: Tensor) -> None:
        """Some of the layer's channels."""
        y = inside[:, : self.injection.outputs][:, part]
        convolve(part, outputs[:, part], y)
        self.injection(inside, feature[:, part], part)

    def _upsampling(self, window: Tensor, scale: Tensor, team: Team) -> Convolve:
        x = _scaled(window[:, :, 1:-1], scale, team)

        def convolve(part: slice, outputs: Tensor, y: Tensor) -> None:
            bias = self.injection.output_bias[part]
            larger = self._upsample(x, part).mul_(outputs)
            y.copy_(F.conv2d(larger, cast(Tensor, self.fir)[part], bias, padding=1, groups=len(bias)))

        return convolve

    def _upsample(self, x: Tensor, part: slice) -> Tensor:
        if self.phases:
            return upsample(x, self.phases, part)
        return F.conv_transpose2d(x, self.conv.weight[:, part], stride=2)

    def _convolving(self, window: Tensor, scale: Tensor, team: Team) -> Convolve:
        if self.kernels is None:
            x, kernels = _scaled(window, scale, team), None
        else:
            x, kernels = _differences(window, scale, team), self.kernels

        def convolve(part: slice, outputs: Tensor, y: Tensor) -> None:
            if kernels is None:
                y.copy_(F.conv2d(cast(Tensor, x), self.conv.weight[part], padding=(0, 1)))
            else:
                winograd.multiply(cast(winograd.Differences, x), tuple(kernel[part] for kernel in kernels), None, y)
            torch.addcmul(self.injection.output_bias[part].reshape(1, -1, 1, 1), y, outputs, out=y)

        return convolve


def _scaled(x: Tensor, scale: Tensor, team: Team) -> Tensor:
    """x: [N, C, H, W], scale: [N, C, 1, 1] → their product, without gaps between samples: oneDNN copies maps that have some."""
    out = torch.empty_like(x, memory_format=torch.channels_last)
    team.run(
        [
            partial(torch.mul, x[:, :, first:end], scale, out=out[:, :, first:end])
            for first, end in cuts(x.shape[2], team.count, least=_ROWS)
        ]
    )
    return out


def _differences(window: Tensor, scale: Tensor, team: Team) -> winograd.Differences:
    """What Winograd's kernels are applied to, of a window that is multiplied by ``scale`` first."""
    differences = winograd.room(window)

    def fill(first: int, end: int) -> None:
        rows = slice(first // winograd.ROWS, end // winograd.ROWS)
        winograd.fill(window[:, :, first : end + 2] * scale, tuple(one[:, :, rows] for one in differences))

    team.run([partial(fill, *part) for part in cuts(window.shape[2] - 2, team.count, winograd.ROWS, _ROWS)])
    return differences


class Colours:
    """What a level adds to the running image, prepared."""

    def __init__(self, layer: ToRgb) -> None:
        self.conv, self.bias = Steered(layer), layer.bias.flatten()
        self.kernel = layer.upsample.kernel if hasattr(layer, "upsample") else None

    def whole(self, window: Tensor, w: Tensor, running: Tensor | None, team: Team) -> Tensor:
        """A whole map's window [N, I, H + 2, W] and the image of half its size → the image. [N, 3, H, W]"""
        inside = window[:, :, 1:-1]
        rgb = inside.new_empty(len(inside), inside.shape[2], inside.shape[3], 3).permute(0, 3, 1, 2)
        weights = [self.conv.weight_for(one, ACTIVATION_GAIN) for one in w.split(1)]

        def fill(first: int, end: int) -> None:
            # One by one, since there are gaps between them. A weight is small, whatever the level; the maps are not.
            for sample, weight in enumerate(weights):
                x = inside[sample : sample + 1, :, first:end]
                rgb[sample : sample + 1, :, first:end] = F.conv2d(x, weight, self.bias)

        team.run([partial(fill, *part) for part in cuts(inside.shape[2], team.count, least=_ROWS)])
        return rgb if running is None or self.kernel is None else rgb.add_(fir_upsample(running, self.kernel))


class Octave:
    """One octave up for one sample, by rows: what ``Generator._level`` does with whole maps."""

    def __init__(
        self, first: Layer, second: Layer, colours: Colours, features: tuple[Reader, Reader], team: Team
    ) -> None:
        self.layers, self.features, self.team = (first, second), features, team
        self.colours = colours
        # The convolution that comes first has all rows of a block but some of the channels in a thread: what it makes of
        # rows at the edges of a piece it need not make twice.
        self.parts = cuts(first.injection.outputs, team.pieces, least=CHANNELS)
        self.up: list[Tensor | None] = [None] * len(self.parts)
        self.same: Tensor | None = None
        self.kernels: winograd.Kernels | None = None

    def prepare(self, w: Tensor) -> list[Piece]:
        """What makes the sample's weights, for its style w [1, style_dim]: to be run before it is called."""
        self.rgb = self.colours.conv.weight_for(w, ACTIVATION_GAIN)
        return [
            *(partial(self._prepare_up, w, index) for index in range(len(self.parts))),
            partial(self._prepare_same, w),
        ]

    def _prepare_up(self, w: Tensor, index: int) -> None:
        self.up[index] = self.layers[0].conv.weight_for(w, ACTIVATION_GAIN, slice(*self.parts[index]))

    def _prepare_same(self, w: Tensor) -> None:
        second = self.layers[1]
        self.same = second.conv.weight_for(w, ACTIVATION_GAIN)
        if second.winograd:
            self.kernels = winograd.transformed(self.same)

    def __call__(self, windows: Windows, running: Tensor, rgb: Tensor) -> Iterator[Tensor]:
        """``windows`` of the octave below, [1, C, rows + 2, W] → windows of one twice the size. Fills ``rgb``
        [1, 3, 2H, 2W] from ``running`` [1, 3, H, W], the octave below's, of which as many rows must be there as have
        come."""
        return self._second(self._first(windows), running, rgb)

    def _first(self, windows: Windows) -> Iterator[Tensor]:
        layer = self.layers[0]
        strip, done = Strip(layer.side, winograd.ROWS if self.kernels else 1), 0
        for window in windows:
            rows = 2 * (window.shape[2] - 2)
            room = strip.room(window, layer.injection.joined, rows, layer.side)
            self.features[0].announce(done, done + rows)
            pieces = [(part, rows) for part in range(len(self.parts)) for rows in self._few_rows(window.shape[2] - 2)]
            self.team.run([partial(self._upsample, *piece, done, window, room) for piece in pieces])
            done += rows
            del room  # lest it be held while others work
            yield from strip.window()

    def _few_rows(self, rows: int) -> list[tuple[int, int]]:
        """All of a window's rows but where there are more threads than parts of the channels."""
        return cuts(rows, self.team.count // len(self.parts))

    def _upsample(self, index: int, rows: tuple[int, int], done: int, window: Tensor, room: Tensor) -> None:
        """Some of a block's channels and rows."""
        layer, part, (first, end) = self.layers[0], slice(*self.parts[index]), rows
        x = F.conv_transpose2d(window[:, :, first : end + 2], cast(Tensor, self.up[index]), stride=2)[:, :, 1:-1]
        fir, bias = cast(Tensor, layer.fir)[part], layer.injection.output_bias[part]
        inside = room[:, :, 2 * first : 2 * end]
        inside[:, : layer.injection.outputs][:, part] = F.conv2d(x, fir, bias, padding=(0, 1), groups=len(bias))
        layer.injection(inside, self.features[0](done + 2 * first, done + 2 * end, part), part)

    def _second(self, windows: Windows, running: Tensor, rgb: Tensor) -> Iterator[Tensor]:
        layer = self.layers[1]
        strip, done = Strip(layer.side), 0
        for window in windows:
            rows = window.shape[2] - 2
            room = strip.room(window, layer.injection.joined, rows, layer.side)
            self.features[1].announce(done, done + rows)
            parts = cuts(rows, self.team.pieces, winograd.ROWS if self.kernels else 1)
            self.team.run([partial(self._same, *part, done, window, room, running, rgb) for part in parts])
            done += rows
            del room
            yield from strip.window()

    def _same(
        self, first: int, end: int, done: int, window: Tensor, room: Tensor, running: Tensor, rgb: Tensor
    ) -> None:
        """Some of a block's rows."""
        layer, rows = self.layers[1], room[:, :, first:end]
        self._convolve(window[:, :, first : end + 2], rows[:, : layer.injection.outputs])
        layer.injection(rows, self.features[1](done + first, done + end))
        made = F.conv2d(rows, self.rgb, self.colours.bias)
        first, end = done + first, done + end
        torch.add(made, self._doubled(running, first, end), out=rgb[:, :, first:end])

    def _convolve(self, window: Tensor, out: Tensor) -> None:
        bias = self.layers[1].injection.output_bias
        if self.kernels is None:
            out.copy_(F.conv2d(window, cast(Tensor, self.same), bias, padding=(0, 1)))
        else:
            winograd.convolve(window, self.kernels, bias, out)

    def _doubled(self, running: Tensor, first: int, end: int) -> Tensor:
        """Rows of the running image through the FIR: each comes from the two rows nearest to it."""
        height = running.shape[2]
        low, high = (first - 1) // 2, end // 2 + 1
        part = running[:, :, max(low, 0) : min(high, height)]
        part = F.pad(part, (0, 0, max(-low, 0), max(high - height, 0)))
        return fir_upsample(part, cast(Tensor, self.colours.kernel))[:, :, first - 2 * low : end - 2 * low]

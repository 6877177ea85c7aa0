"""The generator: whole maps where they are small, rows of one sample at a time where they are large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ...model.ops import ACTIVATION_GAIN, fir_upsample
from ...model.styled import StyledConv, ToRgb
from . import winograd
from .encoder import fir_weight
from .rows import Rows, Strip, Windows, channels_last, whole
from .steering import Injection, Steered
from .upsampling import LARGEST, phases, upsample

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

    def whole(self, window: Tensor, w: Tensor, feature: Tensor, gain: float) -> Tensor:
        """A whole map's window [N, I, H + 2, W] → that of the layer's result, joined with ``feature``. The maps are
        scaled, not the weights: one weight, of many channels, serves all samples."""
        style, outputs = self.conv.scales(w, gain)
        joined, inside = whole(window, self.injection.joined, self.side)
        y = inside[:, : self.injection.outputs]
        bias = self.injection.output_bias
        outputs = cast(Tensor, outputs).to(y.dtype)[:, :, None, None]  # only colours are not demodulated
        scale = style.to(window.dtype)[:, :, None, None]
        if self.fir is not None:
            x = self._upsample(_scaled(window[:, :, 1:-1], scale)).mul_(outputs)
            y.copy_(F.conv2d(x, self.fir, bias, padding=1, groups=len(bias)))
        else:
            self._convolve(window * scale, y)
            torch.addcmul(bias.reshape(1, -1, 1, 1), y, outputs, out=y)
        self.injection(inside, feature)
        return joined

    def _upsample(self, x: Tensor) -> Tensor:
        return upsample(x, self.phases) if self.phases else F.conv_transpose2d(x, self.conv.weight, stride=2)

    def _convolve(self, window: Tensor, out: Tensor) -> None:
        if self.kernels is None:
            out.copy_(F.conv2d(window, self.conv.weight, padding=(0, 1)))
            return
        winograd.convolve(window, self.kernels, None, out)


def _scaled(x: Tensor, scale: Tensor) -> Tensor:
    """x: [N, C, H, W], scale: [N, C, 1, 1] → their product, without gaps between samples: oneDNN copies maps that have some."""
    return torch.mul(x, scale, out=torch.empty_like(x, memory_format=torch.channels_last))


class Colours:
    """What a level adds to the running image, prepared."""

    def __init__(self, layer: ToRgb) -> None:
        self.conv, self.bias = Steered(layer), layer.bias.flatten()
        self.kernel = layer.upsample.kernel if hasattr(layer, "upsample") else None

    def whole(self, window: Tensor, w: Tensor, running: Tensor | None) -> Tensor:
        """A whole map's window [N, I, H + 2, W] and the image of half its size → the image. [N, 3, H, W]"""
        # One by one, since there are gaps between them. A weight is small, whatever the level; the maps are not.
        samples = zip(window[:, :, 1:-1].split(1), w.split(1))
        rgb = torch.cat([F.conv2d(x, self.conv.weight_for(one, ACTIVATION_GAIN), self.bias) for x, one in samples])
        return rgb if running is None or self.kernel is None else rgb.add_(fir_upsample(running, self.kernel))


class Octave:
    """One octave up for one sample, by rows: what ``Generator._level`` does with whole maps."""

    def __init__(self, first: Layer, second: Layer, colours: Colours, w: Tensor, features: tuple[Rows, Rows]) -> None:
        self.layers, self.features = (first, second), features
        self.up = first.conv.weight_for(w, ACTIVATION_GAIN)
        self.same = second.conv.weight_for(w, ACTIVATION_GAIN)
        self.kernels = winograd.transformed(self.same) if second.winograd else None
        self.colours, self.rgb = colours, colours.conv.weight_for(w, ACTIVATION_GAIN)

    def __call__(self, windows: Windows, running: Tensor, rgb: Tensor) -> Iterator[Tensor]:
        """``windows`` of the octave below, [1, C, rows + 2, W] → windows of one twice the size. Fills ``rgb``
        [1, 3, 2H, 2W] from ``running`` [1, 3, H, W], the octave below's, of which as many rows must be there as have
        come."""
        return self._second(self._first(windows), running, rgb)

    def _first(self, windows: Windows) -> Iterator[Tensor]:
        layer = self.layers[0]
        strip, done = Strip(layer.side, winograd.ROWS if self.kernels else 1), 0
        for window in windows:
            x = F.conv_transpose2d(window, self.up, stride=2)[:, :, 1:-1]
            x = F.conv2d(x, cast(Tensor, layer.fir), layer.injection.output_bias, padding=(0, 1), groups=x.shape[1])
            rows = x.shape[2]
            room = strip.room(x, layer.injection.joined, rows, layer.side)
            room[:, : layer.injection.outputs] = x
            layer.injection(room, self.features[0](done, done + rows))
            done += rows
            del x  # lest it be held while others work
            yield from strip.window()

    def _second(self, windows: Windows, running: Tensor, rgb: Tensor) -> Iterator[Tensor]:
        layer = self.layers[1]
        strip, done = Strip(layer.side), 0
        for window in windows:
            rows = window.shape[2] - 2
            room = strip.room(window, layer.injection.joined, rows, layer.side)
            self._convolve(window, room[:, : layer.injection.outputs])
            layer.injection(room, self.features[1](done, done + rows))
            made = F.conv2d(room, self.rgb, self.colours.bias)
            torch.add(made, self._doubled(running, done, done + rows), out=rgb[:, :, done : done + rows])
            done += rows
            yield from strip.window()

    def _convolve(self, window: Tensor, out: Tensor) -> None:
        bias = self.layers[1].injection.output_bias
        if self.kernels is None:
            out.copy_(F.conv2d(window, self.same, bias, padding=(0, 1)))
        else:
            winograd.convolve(window, self.kernels, bias, out)

    def _doubled(self, running: Tensor, first: int, end: int) -> Tensor:
        """Rows of the running image through the FIR: each comes from the two rows nearest to it."""
        height = running.shape[2]
        low, high = (first - 1) // 2, end // 2 + 1
        part = running[:, :, max(low, 0) : min(high, height)]
        part = F.pad(part, (0, 0, max(-low, 0), max(high - height, 0)))
        return fir_upsample(part, cast(Tensor, self.colours.kernel))[:, :, first - 2 * low : end - 2 * low]

"""The generator's layers: what is prepared of each, and whole maps, as long as they are small."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ...model.ops import ACTIVATION_GAIN, fir_upsample
from ...model.styled import StyledConv, ToRgb
from . import winograd
from .encoder import fir_weight
from .modulation import Injection, Modulated
from .rows import channels_last, pointwise, whole
from .upsampling import LARGEST, phases, upsample
from .workers import CHANNELS, ELEMENTS, PRODUCTS, Team, cuts

Convolve = Callable[[slice, Tensor, Tensor], None]  # (which channels, their scale, where they go)

# Maps and features here lack the factor √2 of the leaky ReLU that they come from; the next weight brings it.


class Layer:
    """A styled convolution of maps that become ``side`` high, prepared.

    ``feature_gain``: the factor that its features lack. ``whole``: whether it will make whole maps; its kernels are then the
    same for all of them.
    """

    def __init__(self, layer: StyledConv, side: int, feature_gain: float, *, whole: bool) -> None:
        self.side = side
        weight, blur = layer.conv.weight[0], layer.conv.blur
        self.winograd = blur is None and winograd.worthwhile(weight.element_size(), len(weight), side)
        self.kernels = winograd.transformed(channels_last(weight)) if whole and self.winograd else None
        self.phases = phases(weight) if whole and blur is not None and side <= 2 * LARGEST else None
        self.conv = Modulated(layer, laid_out=not (self.kernels or self.phases))
        self.injection = Injection.of(layer, feature_gain)
        self.fir = fir_weight(blur.kernel, self.injection.outputs, weight.dtype) if blur else None

    def whole(self, window: Tensor, w: Tensor, feature: Tensor, gain: float, team: Team) -> Tensor:
        """A whole map's window [N, I, H + 2, W] → that of the layer's result, joined with ``feature``.

        The maps are scaled, not the weights: one weight, of many channels, serves all samples.
        """
        style, outputs = self.conv.scales(w, gain)
        joined, inside = whole(window, self.injection.joined, self.side)
        scale = style.to(window.dtype)[:, :, None, None]
        outputs = cast(Tensor, outputs).to(inside.dtype)[:, :, None, None]  # only colors are not demodulated
        convolve = (
            self._upsampling(window, scale, team) if self.fir is not None else self._convolving(window, scale, team)
        )
        # The weights are large here: each is read by one thread only.
        products = len(window) * self.conv.weight.numel() * self.side**2
        parts = cuts(self.injection.outputs, team.count if products >= PRODUCTS else 1, least=CHANNELS)
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
            x: Tensor | winograd.Differences = _scaled(window, scale, team)
        else:
            x = _differences(window, scale, team)
        kernels = self.kernels

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
        [partial(torch.mul, x[:, :, first:end], scale, out=out[:, :, first:end]) for first, end in _rows_of(x, team)]
    )
    return out


def _rows_of(x: Tensor, team: Team, multiple: int = 1) -> list[tuple[int, int]]:
    """A map's rows in pieces that are worth it."""
    return cuts(x.shape[2], team.count, multiple, ELEMENTS // x[:, :, 0].numel())


def _differences(window: Tensor, scale: Tensor, team: Team) -> winograd.Differences:
    """What Winograd's kernels are applied to, of a window that is multiplied by ``scale`` first."""
    differences = winograd.room(window)

    def fill(first: int, end: int) -> None:
        rows = slice(first // winograd.ROWS, end // winograd.ROWS)
        winograd.fill(window[:, :, first : end + 2] * scale, tuple(one[:, :, rows] for one in differences))

    team.run([partial(fill, *part) for part in _rows_of(window[:, :, 2:], team, winograd.ROWS)])
    return differences


class RgbLayer:
    """What a level adds to the running image, prepared."""

    def __init__(self, layer: ToRgb) -> None:
        self.conv, self.bias = Modulated(layer), layer.bias.flatten()
        self.kernel = layer.upsample.kernel if hasattr(layer, "upsample") else None

    def whole(self, window: Tensor, w: Tensor, running: Tensor | None, team: Team) -> Tensor:
        """A whole map's window [N, I, H + 2, W] and the image of half its size → the image [N, 3, H, W]."""
        inside = window[:, :, 1:-1]
        rgb = inside.new_empty(len(inside), inside.shape[2], inside.shape[3], 3).permute(0, 3, 1, 2)
        weights = [self.conv.weight_for(one, ACTIVATION_GAIN) for one in w.split(1)]

        def fill(first: int, end: int) -> None:
            # One by one, since there are gaps between them. A weight is small, whatever the level; the maps are not.
            for sample, weight in enumerate(weights):
                x = inside[sample : sample + 1, :, first:end]
                rgb[sample : sample + 1, :, first:end] = pointwise(x, weight, self.bias)

        team.run([partial(fill, *part) for part in _rows_of(inside, team)])
        return rgb if running is None or self.kernel is None else rgb.add_(fir_upsample(running, self.kernel))

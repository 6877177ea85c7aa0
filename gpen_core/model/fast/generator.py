"""The generator: whole maps where they are small, rows of one sample at a time where they are large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..ops import ACTIVATION_GAIN, fir_upsample
from ..styled import StyledConv, ToRgb
from .encoder import fir_weight
from .rows import Blocks, Rows, channels_last, windows
from .steering import Injection, modulated, steered_conv, steered_weight

# Maps and features here lack the factor √2 of the leaky ReLU that they come from; the next weight brings it.


def styled(layer: StyledConv, x: Tensor, w: Tensor, feature: Tensor, *, gain: float, feature_gain: float) -> Tensor:
    """A whole map: [N, I, H, W] → joined with ``feature``, of its size or twice that."""
    inject = Injection.of(layer, feature_gain)
    conv = modulated(layer)
    y = steered_conv(conv, x, w, gain)
    if conv.blur is None:
        y.add_(inject.output_bias.reshape(1, -1, 1, 1))
    else:
        y = F.conv2d(
            y, fir_weight(conv.blur.kernel, y.shape[1], y.dtype), inject.output_bias, padding=1, groups=y.shape[1]
        )
    return inject(y, feature)


def to_rgb(layer: ToRgb, x: Tensor, w: Tensor, running: Tensor | None) -> Tensor:
    rgb = steered_conv(modulated(layer), x, w, ACTIVATION_GAIN).add_(layer.bias)
    return rgb if running is None else rgb.add_(fir_upsample(running, layer.upsample.kernel))


class Octave:
    """One octave up for one sample, by rows: what ``Generator._level`` does with whole maps."""

    def __init__(
        self, first: StyledConv, second: StyledConv, rgb: ToRgb, w: Tensor, features: tuple[Rows, Rows],
        feature_gain: float,
    ) -> None:  # fmt: skip
        self.features = features
        self.injections = Injection.of(first, feature_gain), Injection.of(second, feature_gain)
        up: Any = steered_weight(modulated(first), w, ACTIVATION_GAIN)
        self.up = channels_last(up.transpose(0, 1))
        self.fir = fir_weight(first.conv.blur.kernel, self.up.shape[1], up.dtype)  # type: ignore[union-attr]
        self.same = channels_last(steered_weight(modulated(second), w, ACTIVATION_GAIN))
        self.rgb = steered_weight(modulated(rgb), w, ACTIVATION_GAIN)
        self.rgb_bias = rgb.bias.flatten()
        self.rgb_kernel = rgb.upsample.kernel

    def __call__(self, blocks: Blocks, running: Tensor, rgb: Tensor) -> Iterator[Tensor]:
        """``blocks`` of the octave below, [1, C, rows, W] → blocks twice the size. Fills ``rgb`` [1, 3, 2H, 2W] from
        ``running`` [1, 3, H, W], the octave below's, of which as many rows must be there as blocks have come."""
        done = 0
        for x in self._second(self._first(blocks)):
            end = done + x.shape[2]
            made = F.conv2d(x, self.rgb, self.rgb_bias)
            torch.add(made, self._doubled(running, done, end), out=rgb[:, :, done:end])
            done = end
            yield x

    def _first(self, blocks: Blocks) -> Iterator[Tensor]:
        done = 0
        for window in windows(blocks, 1, 1):
            x = F.conv_transpose2d(window, self.up, stride=2)[:, :, 1:-1]
            inject = self.injections[0]
            x = F.conv2d(x, self.fir, inject.output_bias, padding=(0, 1), groups=x.shape[1])
            yield inject(x, self.features[0](done, done + x.shape[2]))
            done += x.shape[2]

    def _second(self, blocks: Blocks) -> Iterator[Tensor]:
        done = 0
        for window in windows(blocks, 1, 1):
            inject = self.injections[1]
            x = F.conv2d(window, self.same, inject.output_bias, padding=(0, 1))
            yield inject(x, self.features[1](done, done + x.shape[2]))
            done += x.shape[2]

    def _doubled(self, running: Tensor, first: int, end: int) -> Tensor:
        """Rows of the running image through the FIR: each comes from the two rows nearest to it."""
        height = running.shape[2]
        low, high = (first - 1) // 2, end // 2 + 1
        part = running[:, :, max(low, 0) : min(high, height)]
        part = F.pad(part, (0, 0, max(-low, 0), max(high - height, 0)))
        return fir_upsample(part, self.rgb_kernel)[:, :, first - 2 * low : end - 2 * low]

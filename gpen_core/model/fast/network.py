"""The whole network, fast: what runs on whole maps, what by rows, and where one hands over to the other."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..gpen import Gpen, Noise
from ..layers import PixelNorm
from ..ops import ACTIVATION_GAIN
from .encoder import Features, Stage, halve
from .generator import Octave, styled, to_rgb
from .rows import Blocking, Blocks, Rows, channels_last, rows_of
from .steering import linear


def has_fast_path(network: Gpen) -> bool:
    """Of the published family; whatever else can be configured takes the plain path."""
    return network.config.family == "published"


def runs_fast(network: Gpen) -> bool:
    """Whether restoring takes this path: on a CPU. A GPU has no use for small blocks; it takes the plain one."""
    return has_fast_path(network) and next(network.parameters()).device.type == "cpu"


@torch.inference_mode()
def fast_forward(network: Gpen, pictures: Tensor, noise: Noise = None, blocking: Blocking = Blocking()) -> Tensor:
    """What ``network(pictures, noise)`` yields; without gradients. [N, 3, S, S] → [N, 3, S', S']"""
    run = _Run(network, pictures, noise, blocking)
    x, rgb = run.whole_levels()
    if run.rows_from == network.config.levels:
        return rgb
    size = network.config.output_size
    result = rgb.new_empty(len(pictures), 3, size, size)
    for sample in range(len(pictures)):
        run.levels_by_rows(sample, x[sample : sample + 1], rgb[sample : sample + 1], result[sample : sample + 1])
    return result


class _Run:
    """One pass of a batch. ``rows_from``: the first level that is made by rows."""

    def __init__(self, network: Gpen, pictures: Tensor, noise: Noise, blocking: Blocking) -> None:
        self.network, self.config, self.blocking = network, network.config, blocking
        self.rows_from = max(1, sum(self.config.start << level < blocking.side for level in range(self.config.levels)))
        pictures = channels_last(pictures)
        large = max(1, self.config.encoder_levels - self.rows_from)  # stages whose maps are large
        self.large = [Features(network, picture, large, blocking) for picture in pictures.split(1)]
        side = self.config.input_size >> (large - 1)
        x = torch.cat([features.rows(large - 1, 0, side) for features in self.large])
        self.small = [x]  # from there down, of all samples
        for stage in range(large, self.config.encoder_levels):
            self.small.append(halve(Stage(network, stage), self.small[-1]))
        self.w = self._w(self.small[-1])
        self.noise = self._noise(pictures, noise)

    def _w(self, x: Tensor) -> Tensor:
        w = linear(self.network.final_linear[0], x.flatten(1), ACTIVATION_GAIN)  # type: ignore[arg-type]
        for layer in self.network.generator.style:
            w = layer(w) if isinstance(layer, PixelNorm) else linear(layer, w)  # type: ignore[arg-type]
        return w

    def _noise(self, pictures: Tensor, noise: Noise) -> list[tuple[Tensor, Tensor]]:
        if self.config.levels == self.config.encoder_levels:
            return []
        noise = noise or torch.Generator().manual_seed(0)
        return self.network.noise_features(pictures, noise, start=self.config.encoder_levels)

    def whole_levels(self) -> tuple[Tensor, Tensor]:
        """Maps and running image of the largest whole level."""
        generator, w = self.network.generator, self.w
        first, _, gain = self._whole_features(0)
        x = styled(generator.conv1, generator.input(len(w)), w, first, gain=1.0, feature_gain=gain)
        rgb = to_rgb(generator.to_rgb1, x, w, None)
        for level in range(1, self.rows_from):
            first, second, gain = self._whole_features(level)
            up, same = generator.convs[2 * level - 2], generator.convs[2 * level - 1]
            x = styled(up, x, w, first, gain=ACTIVATION_GAIN, feature_gain=gain)  # type: ignore[arg-type]
            x = styled(same, x, w, second, gain=ACTIVATION_GAIN, feature_gain=gain)  # type: ignore[arg-type]
            rgb = to_rgb(generator.to_rgbs[level - 1], x, w, rgb)  # type: ignore[arg-type]
        return x, rgb

    def levels_by_rows(self, sample: int, x: Tensor, rgb: Tensor, result: Tensor) -> None:
        """Fill ``result`` [1, 3, S', S'] from one sample's last whole level."""
        generator, levels = self.network.generator, self.config.levels
        w = self.w[sample : sample + 1]
        blocks: Blocks = iter([x])
        for level in range(self.rows_from, levels):
            side = self.config.start << level
            first, second, gain = self._features_by_rows(level, sample)
            octave = Octave(
                generator.convs[2 * level - 2], generator.convs[2 * level - 1], generator.to_rgbs[level - 1],  # type: ignore[arg-type]
                w, (first, second), gain,
            )  # fmt: skip
            larger = result if level == levels - 1 else rgb.new_empty(1, 3, side, side)
            blocks = octave(_parted(blocks, self._block_rows(level)), rgb, larger)
            rgb = larger
        for _ in blocks:  # each block goes all the way up before the next is begun
            pass

    def _block_rows(self, level: int) -> int:
        """Of the level below, so that one of ``level``'s own blocks is of the right size."""
        joined = 2 if self.config.concatenate else 1
        row = joined * self.config.channels[level] * (self.config.start << level)
        return max(1, self.blocking.elements // row // 2)

    def _whole_features(self, level: int) -> tuple[Tensor, Tensor, float]:
        """A whole level's features of all samples, for its two convolutions, and the factor that they lack."""
        if level >= self.config.encoder_levels:
            return *self.noise[level - self.config.encoder_levels], 1.0
        feature = self.small[-1 - level]
        return feature, feature, ACTIVATION_GAIN

    def _features_by_rows(self, level: int, sample: int) -> tuple[Rows, Rows, float]:
        if level >= self.config.encoder_levels:
            first, second = (noise[sample : sample + 1] for noise in self.noise[level - self.config.encoder_levels])
            return rows_of(first), rows_of(second), 1.0
        rows = self.large[sample].reader(self.config.encoder_levels - 1 - level)
        return rows, rows, ACTIVATION_GAIN


def _parted(blocks: Blocks, rows: int) -> Iterator[Tensor]:
    """The same rows in blocks of about ``rows``, none of them much smaller."""
    for block in blocks:
        yield from block.tensor_split(-(-block.shape[2] // rows), 2)

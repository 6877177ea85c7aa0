"""The "fir" encoder without the maps that are larger than what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ...model.gpen import Gpen
from ...model.ops import ACTIVATION_GAIN, LEAKY_SLOPE
from .rows import Blocking, Remembered, Rows, channels_last

_LAID_OUT = 1 << 21  # elements


class Stage:
    """An encoder stage's weights: a 1×1 convolution first, then FIR and a convolution of stride 2 each."""

    def __init__(self, network: Gpen, stage: int) -> None:
        *fir, conv, activation = getattr(network, f"ecd{stage}")[0]
        self.bias = activation.bias
        if not fir:
            self.weight = conv.weight * conv.gain
            return
        # A large weight serves small maps, once a call: not worth a copy that stays.
        self.weight = channels_last(conv.weight) if conv.weight.numel() <= _LAID_OUT else conv.weight
        # The equalised gain, and the √2 that the input lacks, in the filter: it is smallest.
        kernel = fir[0].kernel.float() * (conv.gain * ACTIVATION_GAIN)
        self.fir = fir_weight(kernel, conv.weight.shape[1], conv.weight.dtype)


class Features:
    """What the encoder makes of one picture [1, 3, S, S], by rows: stage 0 at S, stage 1 at S/2, …

    All but for the factor √2 of the leaky ReLU (``ACTIVATION_GAIN``), left to whoever uses them, where it costs nothing.
    """

    def __init__(self, stages: Sequence[Stage], picture: Tensor, blocking: Blocking) -> None:
        self.stages, self.picture, self.blocking = stages, picture, blocking
        self.kept: dict[int, Tensor] = {}
        for stage in range(1, len(stages)):
            if self._keeps(stage):
                self.kept[stage] = self._whole(stage)

    def rows(self, stage: int, begin: int, end: int) -> Tensor:
        """[1, C, end − begin, S >> stage]"""
        if stage in self.kept:
            return self.kept[stage][:, :, begin:end]
        if stage:
            return self._halved(stage, begin, end)
        first = self.stages[0]  # a 1×1 convolution: never worth keeping
        return F.leaky_relu_(F.conv2d(self.picture[:, :, begin:end], first.weight, first.bias), LEAKY_SLOPE)

    def reader(self, stage: int) -> Rows:
        """For the two convolutions of an octave."""
        rows = partial(self.rows, stage)
        return rows if stage == 0 or stage in self.kept else Remembered(rows)

    def _keeps(self, stage: int) -> bool:
        """Stage 1 takes a 1×1 convolution and one step: where it is large it is made again where it is used."""
        return stage > 1 or self._shape(stage).numel() <= self.blocking.made_twice

    def _shape(self, stage: int) -> torch.Size:
        side = self.picture.shape[-1] >> stage
        return torch.Size((1, self.stages[stage].weight.shape[0], side, side))

    def _whole(self, stage: int) -> Tensor:
        shape = self._shape(stage)
        side, like = shape[-1], self.picture
        if shape.numel() <= self.blocking.elements:
            return self._halved(stage, 0, side)
        whole = torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)
        step = max(1, self.blocking.elements * side // (4 * shape.numel()))  # what it is made of is larger than it is
        for begin in range(0, side, step):
            end = min(begin + step, side)
            whole[:, :, begin:end] = self._halved(stage, begin, end)
        return whole

    def _halved(self, stage: int, begin: int, end: int) -> Tensor:
        """FIR, then a convolution of stride 2: row i comes from rows 2i − 2 … 2i + 3 of the stage before."""
        size = self.picture.shape[-1] >> (stage - 1)
        first, last = 2 * begin - 2, 2 * end + 2
        x = self.rows(stage - 1, max(first, 0), min(last, size))
        return halve(self.stages[stage], x, above=max(-first, 0), below=max(last - size, 0))


def halve(stage: Stage, x: Tensor, above: int = 2, below: int = 2) -> Tensor:
    """One encoder stage on rows of a map [N, C, H, W], with so many rows of zeros added."""
    both = min(above, below)
    if above != below:
        x = F.pad(x, (0, 0, above - both, below - both))
    x = F.conv2d(x, stage.fir, padding=(both, 2), groups=x.shape[1])
    return F.leaky_relu_(F.conv2d(x, stage.weight, stage.bias, stride=2), LEAKY_SLOPE)


def fir_weight(kernel: Tensor, channels: int, dtype: torch.dtype) -> Tensor:
    """[k, k] → [C, 1, k, k], for a convolution of each channel by itself."""
    return kernel.flip(0, 1).to(dtype).expand(channels, 1, *kernel.shape).contiguous()

"""The "fir" encoder without the maps that are larger than what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ...model.gpen import Gpen
from ...model.ops import ACTIVATION_GAIN, LEAKY_SLOPE
from .rows import ALL, Blocking, Reader, Remembered, channels_last, pointwise
from .workers import CHANNELS, PRODUCTS, Team, cuts

_LAID_OUT = 1 << 21  # elements
WHOLE = 32  # px


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
    """What the encoder makes of one picture [1, 3, S, S], by rows: stage 0 at S, stage 1 at S/2 and so on.

    All but for the factor √2 of the leaky ReLU (``ACTIVATION_GAIN``), left to whoever uses them, where it costs nothing.
    """

    def __init__(self, stages: Sequence[Stage], picture: Tensor, blocking: Blocking, team: Team) -> None:
        self.stages, self.picture, self.blocking, self.team = stages, picture, blocking, team
        self.kept: dict[int, Tensor] = {}
        for stage in range(1, len(stages)):
            if self._keeps(stage):
                self.kept[stage] = self._whole(stage)

    def rows(self, stage: int, begin: int, end: int, part: slice = ALL) -> Tensor:
        """[1, C, end − begin, S >> stage], or ``part`` of the channels."""
        if stage in self.kept:
            return self.kept[stage][:, part, begin:end]
        if stage:
            return self._halved(stage, begin, end, part)
        first = self.stages[0]  # a 1×1 convolution: never worth keeping
        x = pointwise(self.picture[:, :, begin:end], first.weight[part], first.bias[part])
        return F.leaky_relu_(x, LEAKY_SLOPE)

    def reader(self, stage: int) -> Reader:
        """For the two convolutions of a level."""
        rows = partial(self.rows, stage)
        return Reader(rows) if stage == 0 or stage in self.kept else Remembered(rows, partial(self._shared, stage))

    def _keeps(self, stage: int) -> bool:
        """Stage 1 takes a 1×1 convolution and one step: where it is large it is made again where it is used."""
        return stage > 1 or self._shape(stage).numel() <= self.blocking.made_twice

    def _shape(self, stage: int) -> torch.Size:
        side = self.picture.shape[-1] >> stage
        return torch.Size((1, self.stages[stage].weight.shape[0], side, side))

    def _whole(self, stage: int) -> Tensor:
        shape = self._shape(stage)
        side = shape[-1]
        if side <= WHOLE:
            return halve_whole(self.stages[stage], self.rows(stage - 1, 0, 2 * side), self.team)
        step = max(1, self.blocking.elements * side // (4 * shape.numel()))  # what it is made of is larger than it is
        return self._shared(stage, 0, side, side if shape.numel() <= self.blocking.elements else step)

    def _shared(self, stage: int, begin: int, end: int, step: int | None = None) -> Tensor:
        """Rows made by all threads, up to ``step`` at a time by each."""
        count, rows = self.team.count, end - begin
        if step is not None:
            count *= -(-rows // (step * count))
        if count == 1:
            return self._halved(stage, begin, end)
        side = self.picture.shape[-1] >> stage
        made = self.picture.new_empty(1, rows, side, len(self.stages[stage].bias)).permute(0, 3, 1, 2)

        def fill(first: int, last: int) -> None:
            made[:, :, first:last] = self._halved(stage, begin + first, begin + last)

        self.team.run([partial(fill, *part) for part in cuts(rows, count)])
        return made

    def _halved(self, stage: int, begin: int, end: int, part: slice = ALL) -> Tensor:
        """FIR, then a convolution of stride 2: row i comes from rows 2i − 2 … 2i + 3 of the stage before."""
        size = self.picture.shape[-1] >> (stage - 1)
        first, last = 2 * begin - 2, 2 * end + 2
        x = self.rows(stage - 1, max(first, 0), min(last, size))
        return halve(self.stages[stage], x, above=max(-first, 0), below=max(last - size, 0), part=part)


def halve(stage: Stage, x: Tensor, above: int = 2, below: int = 2, part: slice = ALL) -> Tensor:
    """One encoder stage on rows of a map [N, C, H, W], with so many rows of zeros added; ``part`` of what it makes."""
    both = min(above, below)
    if above != below:
        x = F.pad(x, (0, 0, above - both, below - both))
    x = F.conv2d(x, stage.fir, padding=(both, 2), groups=x.shape[1])
    return F.leaky_relu_(F.conv2d(x, stage.weight[part], stage.bias[part], stride=2), LEAKY_SLOPE)


def halve_whole(stage: Stage, x: Tensor, team: Team) -> Tensor:
    """The same with a whole map: some channels of the result in each thread, since the weight is large."""
    products = x[:, 0].numel() // 4 * stage.weight.numel()
    parts = cuts(len(stage.bias), team.count if products >= PRODUCTS else 1, least=CHANNELS)
    if len(parts) == 1:
        return halve(stage, x)
    x = F.conv2d(x, stage.fir, padding=2, groups=x.shape[1])
    y = x.new_empty(len(x), x.shape[2] // 2, x.shape[3] // 2, len(stage.bias)).permute(0, 3, 1, 2)

    def fill(first: int, end: int) -> None:
        part = F.conv2d(x, stage.weight[first:end], stage.bias[first:end], stride=2)
        y[:, first:end] = F.leaky_relu_(part, LEAKY_SLOPE)

    team.run([partial(fill, *part) for part in parts])
    return y


def fir_weight(kernel: Tensor, channels: int, dtype: torch.dtype) -> Tensor:
    """[k, k] → [C, 1, k, k], for a convolution of each channel by itself."""
    return kernel.flip(0, 1).to(dtype).expand(channels, 1, *kernel.shape).contiguous()

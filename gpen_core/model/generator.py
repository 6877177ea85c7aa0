"""The StyleGAN2 generator whose noise inputs are the encoder's features, where the encoder has any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from .checkpointing import checkpointed
from .config import MAPPING_LR_MULTIPLIER, GpenConfig
from .layers import EqualLinear, PixelNorm
from .ops import LEAKY_SLOPE
from .styled import StyledConv, ToRgb

Pair = tuple[Tensor | None, Tensor | None]  # one level's features, for its two convolutions


class ConstantInput(nn.Module):
    """The learned map, 4×4 in published models, that every picture starts from."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, channels, side, side))

    def forward(self, batch: int) -> Tensor:
        """[batch, channels, side, side], without a copy."""
        return self.input.expand(batch, -1, -1, -1)


def mapping_network(config: GpenConfig) -> nn.Sequential:
    """z [N, style_dim] → w [N, style_dim].

    "equalised": entry 0 is the pixel normalization, as in the published files; "plain": linear layers, each with its leaky
    ReLU after it.
    """
    width, layers = config.style_dim, range(config.mapping_layers)
    if config.mapping == "plain":
        plain = [(nn.Linear(width, width), nn.LeakyReLU(LEAKY_SLOPE)) for _ in layers]
        return nn.Sequential(*(module for pair in plain for module in pair))
    linears = [EqualLinear(width, width, activate=True, lr_multiplier=MAPPING_LR_MULTIPLIER) for _ in layers]
    return nn.Sequential(PixelNorm(), *linears)


class Generator(nn.Module):
    """Style code and features of every resolution → picture."""

    def __init__(self, config: GpenConfig) -> None:
        super().__init__()
        self.config = config
        self.checkpointing = False
        widths = config.channels
        self.style = mapping_network(config)
        self.input = ConstantInput(widths[0], config.start)
        self.conv1 = StyledConv(widths[0], widths[0], config, upsample=False)
        self.to_rgb1 = ToRgb(widths[0] * config.joined, config, upsample=False)
        self.convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        for below, width in pairwise(widths):
            self.convs.append(StyledConv(below * config.joined, width, config, upsample=True))
            self.convs.append(StyledConv(width * config.joined, width, config, upsample=False))
            self.to_rgbs.append(ToRgb(width * config.joined, config, upsample=True))

    def forward(self, z: Tensor, features: Iterable[Pair]) -> Tensor:
        """Generate pictures [N, 3, S', S'].

        Args:
            z: [N, style_dim].
            features: Of each level the two maps [N, C, r, r] of resolution r = start << level, of which the first level
                uses one; none ([]) where the configuration has none. An iterator that lets go of its features as they are
                taken keeps memory low: each is read in its own level only.
        """
        return self.synthesize(self.style(z), features)

    def synthesize(self, w: Tensor, features: Iterable[Pair]) -> Tensor:
        """As ``forward``, from what the mapping network makes of z.

        Args:
            w: [N, style_dim], or [N, layers, style_dim]: one for each of ``config.style_layers``. Entry 0 modulates the
                first convolution, 1 the first RGB layer; of the i-th level above, 2i + 1 and 2i + 2 the convolutions and
                2i + 3 the RGB layer, which so shares its w with the first convolution of the next level, as published.
            features: As for ``forward``.
        """
        if not self.config.has_features:
            features = [(None, None)] * self.config.levels
        styles = w.unbind(1) if w.dim() == 3 else (w,) * self.config.style_layers
        if len(styles) != self.config.style_layers:
            raise ValueError(f"w of each layer must be [N, {self.config.style_layers}, style_dim], not {list(w.shape)}")
        levels = iter(features)
        faces = w.shape[0]  # not len(w): torch.export would fix the batch
        x = self.conv1(self.input(faces), styles[0], next(levels)[0])
        maps = [x, self.to_rgb1(x, styles[1])]
        del x
        for level, pair in enumerate(levels):
            maps = self._up(level, maps, styles[2 * level + 1 : 2 * level + 4], pair)
        return maps[1]

    def _up(self, level: int, maps: list[Tensor], styles: Sequence[Tensor], pair: Pair) -> list[Tensor]:
        """Maps and running RGB image of a level → those of the next, twice the size. ``maps`` is emptied."""
        if not self.checkpointing:
            return self._level(level, maps, styles, pair)

        def again(x: Tensor, rgb: Tensor, *rest: Tensor | None) -> list[Tensor]:
            return self._level(level, [x, rgb], cast("Sequence[Tensor]", rest[:3]), cast(Pair, rest[3:]))

        return cast("list[Tensor]", checkpointed(again, *maps, *styles, *pair, checkpointing=True))

    def _level(self, level: int, maps: list[Tensor], styles: Sequence[Tensor], pair: Pair) -> list[Tensor]:
        rgb, x = maps.pop(), maps.pop()  # out of the caller's hands: each map is freed when the next one is made
        for layer, w, feature in zip(self.convs[2 * level : 2 * level + 2], styles, pair):
            styled = cast(StyledConv, layer)
            x = styled.conv(x, w)
            x = styled.join(x, feature)
        return [x, self.to_rgbs[level](x, styles[2], rgb)]

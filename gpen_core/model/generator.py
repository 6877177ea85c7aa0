"""The StyleGAN2 generator whose noise inputs are the encoder's features."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from .config import MAPPING_LR_MULTIPLIER, SMALLEST, GpenConfig
from .layers import EqualLinear, PixelNorm, StyledConv, ToRgb


class ConstantInput(nn.Module):
    """The learned 4×4 map that every picture starts from."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, channels, SMALLEST, SMALLEST))

    def forward(self, batch: int) -> Tensor:
        return self.input.expand(batch, -1, -1, -1)


def mapping_network(style_dim: int, layers: int) -> nn.Sequential:
    """z [N, style_dim] → w [N, style_dim]; entry 0 is the pixel normalisation, as in the published files."""
    linears = [
        EqualLinear(style_dim, style_dim, activate=True, lr_multiplier=MAPPING_LR_MULTIPLIER) for _ in range(layers)
    ]
    return nn.Sequential(PixelNorm(), *linears)


class Generator(nn.Module):
    """Style code and features of every resolution → picture."""

    def __init__(self, config: GpenConfig) -> None:
        super().__init__()
        widths = config.channels
        seen = 2 if config.concatenate else 1  # how many times its own width a layer's output has, features included
        style_dim, concatenate = config.style_dim, config.concatenate
        self.style = mapping_network(style_dim, config.mapping_layers)
        self.input = ConstantInput(widths[0])
        self.conv1 = StyledConv(widths[0], widths[0], style_dim, upsample=False, concatenate=concatenate)
        self.to_rgb1 = ToRgb(widths[0] * seen, style_dim, upsample=False)
        self.convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        for below, width in pairwise(widths):
            self.convs.append(StyledConv(below * seen, width, style_dim, upsample=True, concatenate=concatenate))
            self.convs.append(StyledConv(width * seen, width, style_dim, upsample=False, concatenate=concatenate))
            self.to_rgbs.append(ToRgb(width * seen, style_dim, upsample=True))

    def forward(self, z: Tensor, features: Sequence[Sequence[Tensor]]) -> Tensor:
        """z: [N, style_dim]; features[i]: the one (4×4) or two maps [N, C, r, r] of resolution r = 4 << i → [N, 3, S', S']."""
        return self.synthesize(self.style(z), features)

    def synthesize(self, w: Tensor, features: Sequence[Sequence[Tensor]]) -> Tensor:
        """As ``forward``, from w [N, style_dim]: what the mapping network makes of z."""
        x = self.conv1(self.input(len(w)), w, features[0][0])
        rgb = self.to_rgb1(x, w)
        for level, (first, second) in enumerate(features[1:]):
            x = self.convs[2 * level](x, w, first)
            x = self.convs[2 * level + 1](x, w, second)
            rgb = self.to_rgbs[level](x, w, rgb)
        return rgb

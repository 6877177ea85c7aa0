"""GPEN (Yang et al., CVPR 2021, arXiv 2105.06070): an encoder before a StyleGAN2-like generator."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise

import torch
from torch import Tensor, nn

from .checkpointing import checkpointed
from .config import GpenConfig
from .generator import Generator, Pair
from .layers import EqualLinear, conv_layer
from .resnet import ResNetEncoder

Noise = torch.Generator | None


class Gpen(nn.Module):
    """[N, 3, S, S] RGB in [-1, 1] → [N, 3, S', S'] RGB, nominally in [-1, 1] (not clamped).

    Parameter names are those of the published files, so ``load_state_dict(strict=True)`` takes them. The "fir" encoder's
    stages are attributes ``ecd0`` (at S, 1×1), ``ecd1`` (to S/2), …, down to the generator's start; a ResNet is
    ``encoder``, under torchvision's names. ``final_linear`` makes the style code of what either ends with.
    """

    def __init__(self, config: GpenConfig) -> None:
        super().__init__()
        self.config = config
        if config.has_features:
            widths = config.channels[config.encoder_levels - 1 :: -1]  # from S down to the generator's start
            self.ecd0 = nn.Sequential(conv_layer(3, widths[0], 1))
            for stage, (inputs, outputs) in enumerate(pairwise(widths), start=1):
                setattr(self, f"ecd{stage}", nn.Sequential(conv_layer(inputs, outputs, 3, downsample=True)))
            last = EqualLinear(widths[-1] * config.start**2, config.style_dim, activate=True)
        else:
            self.encoder = ResNetEncoder(config.encoder, config.encoder_width)
            # Without leaky ReLU: its codes shall be able to be what the prior was trained on, z ~ N(0, 1).
            last = EqualLinear(self.encoder.outputs, config.style_dim, activate=False)
        self.final_linear = nn.Sequential(last)
        self.generator = Generator(config)

    @property
    def checkpointing(self) -> bool:
        """Gradient checkpointing: a third more time for much less memory, the same gradients.

        Training keeps the maps between the levels only, and makes those inside a level again in the backward pass. Inference
        is not touched.
        """
        return self.generator.checkpointing

    @checkpointing.setter
    def checkpointing(self, on: bool) -> None:
        self.generator.checkpointing = on
        if not self.config.has_features:
            self.encoder.checkpointing = on

    def check_pictures(self, pictures: Tensor) -> None:
        """ValueError unless they are [N, 3, S, S]."""
        size = self.config.input_size
        if pictures.dim() != 4 or tuple(pictures.shape[1:]) != (3, size, size):
            raise ValueError(f"pictures must be [N, 3, {size}, {size}], not {list(pictures.shape)}")

    def encode(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Pictures [N, 3, S, S] → style code z [N, style_dim] and the features, each [N, C, r, r].

        Features come from the generator's start up to S×S; a ResNet gives none ([]).
        """
        if not self.config.has_features:
            return self.final_linear(self.encoder(pictures)), []
        features = []
        x = pictures
        for stage in range(self.config.encoder_levels):
            x = checkpointed(getattr(self, f"ecd{stage}"), x, checkpointing=self.checkpointing)
            features.append(x)
        return self.final_linear(x.flatten(1)), features[::-1]

    def forward(self, pictures: Tensor, noise: Noise = None) -> Tensor:
        """Restore pictures [N, 3, S, S] in [-1, 1].

        ``noise`` feeds the levels above S of the upscaling variant; without it, one seeded with 0 does, so that inference is
        repeatable. Other models draw nothing.
        """
        self.check_pictures(pictures)
        z, features = self.encode(pictures)
        above: list[tuple[Tensor, Tensor]] = []
        if features and self.config.levels > self.config.encoder_levels:
            noise = noise or torch.Generator().manual_seed(0)
            above = self.noise_features(pictures, noise, start=self.config.encoder_levels)
        return self.generator(z, chain(_taken(features), above))

    def noise_features(self, like: Tensor, noise: torch.Generator, start: int = 0) -> list[tuple[Tensor, Tensor]]:
        """Fresh N(0, 1) maps in the place of the encoder's features, from level ``start`` (of 0 …) up.

        Drawn where the random state lives, as many and of the device and precision of ``like`` [N, …]. Published code samples
        so. None ([]) where the generator takes no features.
        """
        if not self.config.has_features:
            return []

        def draw(level: int) -> Tensor:
            side = self.config.start << level
            shape = (like.shape[0], self.config.channels[level], side, side)
            return torch.randn(shape, generator=noise, device=noise.device).to(like)

        return [(draw(level), draw(level)) for level in range(start, self.config.levels)]


def _taken(features: list[Tensor]) -> Iterator[Pair]:
    """Each feature for both convolutions of its level, out of the list: nobody then holds on to those that were used."""
    while features:
        feature = features.pop(0)
        yield feature, feature

"""StyleGAN2's discriminator, as published with GPEN. Needed for training only."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from .checkpointing import checkpointed
from .config import SMALLEST
from .discriminator_config import DiscriminatorConfig
from .layers import EqualLinear, conv_layer
from .ops import EPSILON
from .patch import PatchDiscriminator, check_pictures


class ResidualBlock(nn.Module):
    """[N, C, H, W] → [N, C', H/2, W/2]; main path and skip path summed and divided by √2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = conv_layer(inputs, inputs, 3)
        self.conv2 = conv_layer(inputs, outputs, 3, downsample=True)
        self.skip = conv_layer(inputs, outputs, 1, downsample=True, activate=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] → [N, outputs, H/2, W/2]."""
        return (self.conv2(self.conv1(x)) + self.skip(x)) / math.sqrt(2)


def append_minibatch_deviation(x: Tensor) -> Tensor:
    """[N, C, H, W] → [N, C + 1, H, W]: the mean standard deviation over the whole batch as one more channel."""
    deviation = x.float().var(0, unbiased=False).add(EPSILON).sqrt().mean()
    return torch.cat((x, deviation.to(x.dtype).expand(len(x), 1, *x.shape[2:])), dim=1)


class Discriminator(nn.Module):
    """[N, 3, S, S] RGB in [-1, 1] → realness logits [N, 1]. ``checkpointing`` as :attr:`Gpen.checkpointing`."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.checkpointing = False
        widths = config.channels[::-1]  # from S down to 4
        blocks = [ResidualBlock(inputs, outputs) for inputs, outputs in pairwise(widths)]
        self.convs = nn.Sequential(conv_layer(3, widths[0], 1), *blocks)
        last = widths[-1]
        self.final_conv = conv_layer(last + 1, last, 3)
        self.final_linear = nn.Sequential(
            EqualLinear(last * SMALLEST**2, last, activate=True), EqualLinear(last, 1, activate=False)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """[N, 3, S, S] → logits [N, 1]."""
        return self.features(pictures)[0]

    def features(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The logits [N, 1], and the activations that feature matching compares.

        Those are after the first layer (S×S), after each block (S/2 … 4) and after the last convolution (4×4), each
        [N, C, r, r].
        """
        check_pictures(pictures, self.config.size)
        activations = []
        x = pictures
        for block in self.convs:
            x = checkpointed(block, x, checkpointing=self.checkpointing)
            activations.append(x)
        x = self.final_conv(append_minibatch_deviation(x))
        activations.append(x)
        return self.final_linear(x.flatten(1)), activations


def build_discriminator(config: DiscriminatorConfig) -> Discriminator | PatchDiscriminator:
    """The discriminator of either kind, with random weights (torch's global generator)."""
    return PatchDiscriminator(config) if config.kind == "patch" else Discriminator(config)

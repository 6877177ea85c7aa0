"""Multi-scale PatchGAN (Isola et al. 2017, arXiv 1611.07004; scales: Wang et al. 2018, arXiv 1711.11585)."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from .checkpointing import checkpointed
from .discriminator_config import DiscriminatorConfig
from .ops import LEAKY_SLOPE

_DEVIATION = 0.02  # of fresh weights (Isola et al., §6.2)


def check_pictures(pictures: Tensor, size: int) -> None:
    """Raise ValueError for anything but [N, 3, size, size]."""
    if pictures.dim() != 4 or tuple(pictures.shape[1:]) != (3, size, size):
        raise ValueError(f"pictures must be [N, 3, {size}, {size}], not {list(pictures.shape)}")


def _convolution(inputs: int, outputs: int, *, stride: int, bias: bool = True) -> nn.Conv2d:
    convolution = nn.Conv2d(inputs, outputs, 4, stride=stride, padding=1, bias=bias)
    nn.init.normal_(convolution.weight, std=_DEVIATION)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution


def patch_layers(channels: tuple[int, ...]) -> nn.ModuleList:
    """4×4 convolutions of stride 2, the last of stride 1, then the convolution to the logits.

    Each has a leaky ReLU, and all except the first are normalized. Four layers see 70×70 pixels. Normalized per instance, as in
    pix2pixHD, not per batch: large pictures come in batches of one.
    """
    layers = nn.ModuleList([nn.Sequential(_convolution(3, channels[0], stride=_stride(0, channels)), _leaky())])
    for layer, (inputs, outputs) in enumerate(pairwise(channels), start=1):
        convolution = _convolution(inputs, outputs, stride=_stride(layer, channels), bias=False)  # it would cancel
        layers.append(nn.Sequential(convolution, nn.InstanceNorm2d(outputs), _leaky()))
    layers.append(nn.Sequential(_convolution(channels[-1], 1, stride=1)))
    return layers


def _stride(layer: int, channels: tuple[int, ...]) -> int:
    return 2 if layer < len(channels) - 1 else 1


def _leaky() -> nn.LeakyReLU:
    return nn.LeakyReLU(LEAKY_SLOPE)


class PatchDiscriminator(nn.Module):
    """[N, 3, S, S] RGB in [-1, 1] → a map of logits [N, 1, h, w] for each scale, smallest first.

    A PatchGAN of its own looks at the picture at each of the sizes ``config.scales`` (means of 2×2, 4×4, … pixels).
    ``checkpointing`` as :attr:`Gpen.checkpointing`.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.checkpointing = False
        self.scales = nn.ModuleDict({str(size): patch_layers(config.channels) for size in config.scales})

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """[N, 3, S, S] → a map of logits for each scale, smallest first."""
        return self.features(pictures)[0]

    def features(self, pictures: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """→ the logits, and the activations that feature matching compares: of each scale, after each of its layers."""
        check_pictures(pictures, self.config.size)
        logits, activations = [], []
        for size in self.config.scales:
            x = F.avg_pool2d(pictures, self.config.size // size) if size < self.config.size else pictures
            *layers, last = cast(nn.ModuleList, self.scales[str(size)])
            for layer in layers:
                x = checkpointed(layer, x, checkpointing=self.checkpointing)
                activations.append(x)
            logits.append(last(x))
        return logits, activations

"""torchvision's ResNet-50 and -101 (He et al. 2016) as the encoder that gives a style code."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..commands import pip_install
from ..errors import CheckpointError, OptionError
from .checkpointing import checkpointed
from .layout import BLOCKS, EXPANSION

# ImageNet's mean and standard deviation of RGB in [0, 1], which torchvision's weights were trained with.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FixedBatchNorm2d(nn.Module):
    """Batch normalization under torchvision's names that never uses the batch.

    Its statistics are those it was loaded with (mean 0, variance 1 in a fresh network), while scale and shift are learned. A
    batch of one 2048 px face has no statistics worth the name, and so training and inference are one function.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → the same shape."""
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale[:, None, None] + shift[:, None, None]


class ResNetEncoder(nn.Module):
    """[N, 3, S, S] RGB in [-1, 1] → [N, 32·width], for S of any power of two of at least 16.

    torchvision's network without its classifier, and keys by its names; normalization by ``FixedBatchNorm2d``. A fresh
    one starts with every residual branch at zero (torchvision's ``zero_init_residual``), without which fifty layers
    whose normalization does nothing yet would overflow. ``width`` 64 is torchvision's own.
    """

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.checkpointing = False
        self.outputs = 8 * width * EXPANSION
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = FixedBatchNorm2d(width)
        inner = [width << stage for stage in range(4)]
        outputs = [width, *(channels * EXPANSION for channels in inner)]
        for stage, (before, after) in enumerate(pairwise(outputs)):
            blocks = _stage(before, inner[stage], after, BLOCKS[kind][stage], stride=2 if stage else 1)
            setattr(self, f"layer{stage + 1}", blocks)
        _initialize(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """[N, 3, S, S] → [N, 32·width]."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(_as_imagenet(pictures)))), 3, stride=2, padding=1)
        for stage in range(1, 5):
            x = checkpointed(getattr(self, f"layer{stage}"), x, checkpointing=self.checkpointing)
        return x.mean((2, 3))


def _stage(before: int, inner: int, after: int, blocks: int, stride: int) -> nn.Sequential:
    bottleneck = _bottleneck()
    shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), FixedBatchNorm2d(after))
    first = bottleneck(before, inner, stride, shortcut, norm_layer=FixedBatchNorm2d)
    return nn.Sequential(first, *(bottleneck(after, inner, norm_layer=FixedBatchNorm2d) for _ in range(blocks - 1)))


def _bottleneck() -> Any:
    try:
        from torchvision.models.resnet import Bottleneck
    except ImportError as error:
        raise OptionError(f"a ResNet encoder needs torchvision: {pip_install('torchvision')}") from error
    return Bottleneck


def _initialize(encoder: nn.Module) -> None:
    """torchvision's way (He et al. 2015, fan out), and the last scale of every residual branch at zero."""
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif name.endswith(".bn3"):
            nn.init.zeros_(module.weight)


def _as_imagenet(pictures: Tensor) -> Tensor:
    """RGB in [-1, 1] → what torchvision's weights expect."""
    channels = zip(pictures.unbind(1), _MEAN, _DEVIATION)
    return torch.stack(
        [channel * (0.5 / deviation) + (0.5 - mean) / deviation for channel, mean, deviation in channels], 1
    )


def load_imagenet(encoder: ResNetEncoder, state: Mapping[str, Tensor], name: str = "state dict") -> None:
    """Take torchvision's published weights of the same ResNet; its classifier ("fc") is left out.

    Raises CheckpointError where they are of another depth or width.
    """
    wanted = encoder.state_dict()
    found = {
        key: value
        for key, value in state.items()
        if not key.startswith("fc.") and not key.endswith(".num_batches_tracked")
    }
    wrong = [key for key in wanted if key not in found or found[key].shape != wanted[key].shape]
    wrong += [key for key in found if key not in wanted]
    if wrong:
        raise CheckpointError(
            f"{name}: not ImageNet weights of this ResNet ('{wrong[0]}' is absent or differs, {len(wrong)} keys in all). "
            "Use torchvision's file of the same depth, with encoder_width 64."
        )
    encoder.load_state_dict(found)

"""Losses on the pixels themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import check_pictures

PEAK = 2.0  # of pictures in [-1, 1]
_FLOOR = 1e-5  # of the mean squared difference over the squared peak: 50 dB, where psnr stops asking for more


@dataclass(frozen=True)
class L1:
    """Mean absolute difference; on the [-1, 1] scale, so twice that of [0, 1] pictures."""

    weight: float = 1.0
    name: str = "l1"

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        check_pictures(restored, target)
        return F.l1_loss(restored.float(), target.detach().float())


@dataclass(frozen=True)
class L2:
    """Mean squared difference."""

    weight: float = 1.0
    name: str = "l2"

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        check_pictures(restored, target)
        return F.mse_loss(restored.float(), target.detach().float())


@dataclass(frozen=True)
class SmoothL1:
    """Half the squared difference below 1, the absolute one less a half above: GPEN's released pixel loss."""

    weight: float = 1.0
    name: str = "smooth_l1"

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        check_pictures(restored, target)
        return F.smooth_l1_loss(restored.float(), target.detach().float())


@dataclass(frozen=True)
class Psnr:
    """Decibels of PSNR that are missing to about 50 dB, a mean over the pictures; 0 for equal ones.

    What the means of means hide: a lightly degraded picture counts as much as a ruined one. -PSNR as a loss is that of
    HINet (Chen et al. 2021, arXiv 2105.06086).
    """

    weight: float = 1.0
    name: str = "psnr"

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        check_pictures(restored, target)
        squared = (restored.float() - target.detach().float()).square().flatten(1).mean(1) / PEAK**2
        return (10 / math.log(10)) * torch.log1p(squared / _FLOOR).mean()

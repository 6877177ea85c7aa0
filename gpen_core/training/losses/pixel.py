"""Losses on the pixels themselves."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from .base import check_pictures


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

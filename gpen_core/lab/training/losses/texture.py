"""How much texture there is, wherever exactly its hairs and pores lie.

A network that minimises distances between pixels, or between features at the same place, makes the mean of all faces that
the degraded one may have been, which is smooth. This loss compares how strong fine structure is in a neighborhood, not what
it is: the local moments of Portilla and Simoncelli's texture model (IJCV 2000), of Haar's details instead of a steerable
pyramid's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import check_pictures

SCALES = 3  # structure of 1, 2 and 4 px
WINDOW, STRIDE = 8, 4  # of a neighborhood, in pixels of its scale
_QUIET = 0.004  # half a level of 8 bits on the [-1, 1] scale: below it, strengths count as equal


@dataclass(frozen=True)
class Texture:
    """Σ over scales of mean |strength of the restored − of the target|, relative to the picture's mean strength there.

    Strength is the root mean square of a detail of one color in a window.
    """

    weight: float = 1.0
    name: str = "texture"

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        check_pictures(restored, target)
        found, wanted = restored.float(), target.detach().float()
        distances = []
        for _ in range(min(SCALES, int(math.log2(min(target.shape[2:]))))):  # two pixels have a difference
            ours, theirs = strength(found), strength(wanted)
            distance = (ours - theirs).abs().flatten(1).mean(1)
            distances.append((distance / theirs.flatten(1).mean(1)).mean())
            found, wanted = F.avg_pool2d(found, 2), F.avg_pool2d(wanted, 2)
        return torch.stack(distances).sum()


def strength(pictures: Tensor) -> Tensor:
    """[N, 3, H, W] → [N, 9, h, w]: of each color's three details (across, down, diagonal), the root mean square in windows of
    8 px (all of a smaller picture), every 4 px."""
    across, sum_across = pictures[..., :-1] - pictures[..., 1:], pictures[..., :-1] + pictures[..., 1:]
    details = torch.cat([_summed(across), _differing(sum_across), _differing(across)], dim=1) / 2
    window = min(WINDOW, *details.shape[2:])
    return (F.avg_pool2d(details.square(), window, STRIDE) + _QUIET**2).sqrt()


def _summed(rows: Tensor) -> Tensor:
    return rows[..., :-1, :] + rows[..., 1:, :]


def _differing(rows: Tensor) -> Tensor:
    return rows[..., :-1, :] - rows[..., 1:, :]

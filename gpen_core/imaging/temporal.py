"""A filter in time that holds a picture still where another one, its guide, does not change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .blur import gaussian_blur
from .detail import luma_of, noise_level
from .warp import resize_filtered

_GUIDE_SIDE = 128  # px: changes smaller than one of these are noise, or do not matter
_DENOISING = 1.0  # σ, px of the guide
_AROUND = 5  # px: the window over which a change is measured
_SPREAD = 2  # px by which a change widens: its edges belong to it
_LEAST_NOISE = 1.0 / 255
_NO_SHARE = 1e-4  # what counts less is left out


@dataclass(frozen=True)
class HoldLimits:
    """What counts as a change of the guide. Colors are in [0, 1].

    Attributes:
        change: Root mean square difference at which a neighbor's weight has fallen to 1/√e, beside what noise explains.
        noise: Multiple of the noise's own difference that is no change.
    """

    change: float = 0.015
    noise: float = 2.5


def guide_of(crop: Tensor) -> Tensor:
    """crop: [3, S, S] RGB in [0, 1] → [3, 128, 128], without the finest noise: what ``shares_in_time`` compares."""
    small = resize_filtered(crop[None].float(), (_GUIDE_SIDE, _GUIDE_SIDE), "bilinear")[0]
    return gaussian_blur(small, _DENOISING)


def guide_noise(crop: Tensor) -> float:
    """Standard deviation of the noise that is left in a crop's guide, as far as the crop's own noise tells."""
    reduction = min(1.0, _GUIDE_SIDE / crop.shape[-1])
    left = 1 / math.sqrt(1 + 4 * math.pi * _DENOISING**2)  # of white noise, after a Gaussian
    return max(noise_level(luma_of(crop.float())) * reduction * left, _LEAST_NOISE / 2)


def noise_between(guide: Tensor, before: Tensor) -> float:
    """Standard deviation of the guides' noise, as two neighbors in time tell: what differs at the median place.

    A codec's noise is not white, and changes from frame to frame where nothing else does: a single picture does not show it.
    Where the face changes, as in a blink, fewer than half of the places do.
    """
    square = _square_between(guide[None], before)[0, 0]
    edge = _GUIDE_SIDE // 4  # the middle of the crop is face
    return math.sqrt(float(square[edge:-edge, edge:-edge].median()) / 2)


def _square_between(stack: Tensor, guide: Tensor) -> Tensor:
    """Mean square difference around each place: [T, 3, 128, 128] and [3, 128, 128] → [T, 1, 128, 128]."""
    square = (stack - guide).square().mean(1, keepdim=True)
    return F.avg_pool2d(square, _AROUND, 1, _AROUND // 2, count_include_pad=False)


def shares_in_time(
    guides: Sequence[Tensor],
    times: Sequence[int],
    center: int,
    noise: float,
    reach: int,
    limits: HoldLimits = HoldLimits(),
) -> Tensor:
    """How much of each neighbor goes into the picture at ``center``, at each place: a joint bilateral filter.

    Args:
        guides: [3, 128, 128] each.
        times: The frames that they are of.
        center: Which of them is filtered.
        noise: Standard deviation of the guides' noise.
        reach: Frames to each side at which a neighbor's weight ends.
        limits: What counts as a change.

    Returns:
        [T, 1, 128, 128], summing to 1 over T.
    """
    stack = torch.stack(list(guides))
    square = _square_between(stack, stack[center])
    change = (square - 2 * (limits.noise * noise) ** 2).clamp_min(0)
    change = F.max_pool2d(change, 2 * _SPREAD + 1, 1, _SPREAD)
    apart = torch.tensor(times, dtype=torch.float32, device=stack.device) - times[center]
    near = torch.cos(math.pi / 2 * (apart / (reach + 1)).clamp(-1, 1)).square()
    weights = near[:, None, None, None] * torch.exp(-change / (2 * limits.change**2))
    return weights / weights.sum(0)


def held(pictures: Sequence[Tensor], shares: Tensor) -> Tensor:
    """The mean of pictures [C, S', S'], each with its share of [T, 1, 128, 128] → [C, S', S']."""
    size = pictures[0].shape[-2:]
    result = torch.zeros_like(pictures[0], dtype=torch.float32)
    for picture, share in zip(pictures, shares, strict=True):
        if float(share.amax()) > _NO_SHARE:
            even = F.interpolate(share[None], size=size, mode="bilinear", align_corners=False)[0]
            result.addcmul_(picture.float(), even)
    return result

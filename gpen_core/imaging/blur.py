"""Gaussian blur."""

from __future__ import annotations

import torch
from torch import Tensor

_REACH = 3.0  # standard deviations up to which the Gaussian is computed


def gaussian_blur(pictures: Tensor, sigma: float) -> Tensor:
    """Gaussian blur, normalized at the borders: nothing comes in from outside, so a flat picture stays as it is.

    Computed as products with band matrices, which is quick up to a few hundred pixels: shrink a larger picture first.

    Args:
        pictures: [..., H, W] floating point.
        sigma: Standard deviation in pixels; 0 leaves the pictures as they are.

    Returns:
        [..., H, W].
    """
    if sigma <= 0:
        return pictures
    height, width = pictures.shape[-2:]
    down = _band(height, sigma).to(pictures)
    across = down if width == height else _band(width, sigma).to(pictures)
    return down @ pictures @ across.T


def _band(side: int, sigma: float) -> Tensor:
    """[side, side]: each row weighs the pixels around one."""
    distances = torch.arange(1 - side, side, dtype=torch.float32).abs()
    profile = torch.where(distances <= max(1, round(_REACH * sigma)), (-0.5 * (distances / sigma).square()).exp(), 0.0)
    weights = profile.unfold(0, side, 1).flip(0)  # row i is the profile around pixel i
    return weights / weights.sum(1, keepdim=True)

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
    down, across = (_band(side, sigma).to(pictures) for side in pictures.shape[-2:])
    return down @ pictures @ across.T


def _band(side: int, sigma: float) -> Tensor:
    """[side, side]: each row weighs the pixels around one."""
    axis = torch.arange(side, dtype=torch.float32)
    distances = (axis[:, None] - axis).abs()
    weights = torch.where(distances <= max(1, round(_REACH * sigma)), (-0.5 * (distances / sigma).square()).exp(), 0.0)
    return weights / weights.sum(1, keepdim=True)

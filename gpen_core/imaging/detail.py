"""What a picture shows beyond the frequencies that a smaller copy of it can hold: detail, noise, or the blocks of a JPEG."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry import size_of
from .luma import luma_of
from .masks import smoothstep
from .texture import block_steps, mixed_difference
from .warp import resize_filtered

_BLOCK = 8  # px: the side of JPEG's blocks
_FLAT = 0.25  # the share of patches taken for flat: of a face, as much is skin
_PATCH = 16  # px: the patches in which flat and busy are told apart
_AROUND = 7  # px: the window in which detail stands out from noise
_ENOUGH = 640  # px: a larger picture is judged by its middle
_EDGE = 16 / 255  # steps above this are the picture's own edges
_REJECTION = 4.0  # how many times the noise's energy is taken off before what is left counts as detail
# Up to the first it counts for nothing, from the second on for all. Measured on the project's test photographs: noise of
# good ones is 0.3 to 1.3, of σ = 5/255 3.2; steps of blocks are 0.8 at JPEG quality 85, 1.2 at 75, 1.8 at 50, 2.5 at 30.
_NOISE = (1.3 / 255, 3.0 / 255)
_BLOCKS = (1.0 / 255, 2.2 / 255)


def fine_band(picture: Tensor, scale: float) -> Tensor:
    """What is lost if a picture shrinks to ``scale`` (below 1) and grows again: [C, H, W] → [C, H, W], around 0."""
    height, width = size_of(picture)
    small = max(1, round(height * scale)), max(1, round(width * scale))
    coarse = resize_filtered(resize_filtered(picture[None], small, "bicubic"), (height, width), "bicubic")
    return picture - coarse[0]


def detail_share(picture: Tensor, scale: float) -> Tensor:
    """How much of a picture's fine band is detail, at each pixel.

    Args:
        picture: [3, H, W] RGB in [0, 1], at the resolution of its file.
        scale: Below 1: finer than a copy of this size can show is what is asked about.

    Returns:
        [1, H, W] in [0, 1]: 1 on what is sharp and clean, 0 where there is noise only, or the blocks of a JPEG.
    """
    luma = luma_of(picture)
    middle = _middle(luma)
    clean = 1 - _ramp(block_step(middle), *_BLOCKS)
    spread = _flat_spread(fine_band(middle, scale))
    noisy = _ramp(
        max(noise_level(middle), spread / 2), *_NOISE
    )  # grain that was resized is not of single pixels any more
    if clean * noisy == 0:
        return torch.full_like(luma, clean)
    energy = _averaged(fine_band(luma, scale).square(), _AROUND)
    standing_out = (1 - _REJECTION * spread**2 / energy.clamp_min(1e-9)).clamp(0, 1)
    return clean * (1 - noisy * (1 - standing_out))


def noise_level(luma: Tensor) -> float:
    """Standard deviation of noise, in units of the pixels, where a picture [1, H, W] is flat (Immerkær 1996)."""
    return _flat_spread(mixed_difference(luma[None])[0]) if min(size_of(luma)) > 2 else 0.0


def block_step(luma: Tensor) -> float:
    """How much steeper [1, H, W] is across the borders of JPEG's blocks than inside them, in units of the pixels.

    The blocks may be cut anywhere. In a picture that was resized after it was compressed, they are not found.
    """
    planes = [plane[None] for plane in (luma, luma.mT) if plane.shape[-1] >= 4 * _BLOCK]
    return max((float(block_steps(plane, _BLOCK, _EDGE)) for plane in planes), default=0.0)


def _flat_spread(band: Tensor) -> float:
    """Standard deviation of a band [1, H, W], around 0, where the picture is flat."""
    deviations = F.avg_pool2d(band[None].square(), min(_PATCH, *size_of(band))).sqrt().flatten()
    return float(deviations.kthvalue(1 + int(_FLAT * (len(deviations) - 1))).values)


def _middle(luma: Tensor) -> Tensor:
    """As much of [1, H, W] as tells how noisy it is."""
    height, width = size_of(luma)
    top, left = max(0, height - _ENOUGH) // 2, max(0, width - _ENOUGH) // 2
    return luma[:, top : top + _ENOUGH, left : left + _ENOUGH]


def _ramp(value: float, low: float, high: float) -> float:
    return float(smoothstep(torch.tensor((value - low) / (high - low))))


def _averaged(plane: Tensor, side: int) -> Tensor:
    return F.avg_pool2d(plane[None], side, 1, side // 2, count_include_pad=False)[0]

"""PSNR, SSIM and MS-SSIM: how far a picture is from its original, pixel by pixel and window by window.

All take two [N, 3, H, W] RGB tensors in [0, 1] and return [N] float32, over the three channels alike: no luma, no cropped
border. Computed here because every validation step pays for them: piq's take five times as long on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....errors import ImageError
from .base import Figures, MetricInfo

WINDOW, SIGMA = 11, 1.5  # Wang et al. 2004, section III-C
_C1, _C2 = 0.01**2, 0.03**2  # ibid., for values in [0, 1]
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang, Simoncelli & Bovik 2003, section 3.2
MS_SSIM_LEAST = WINDOW << (len(SCALE_WEIGHTS) - 1)  # the side from which the smallest scale still holds a window
CEILING = 100.0  # dB; the PSNR of identical pictures is infinite, which no mean and no JSON file can hold


def psnr(pictures: Tensor, targets: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, [N]; infinite for identical pictures."""
    _check(pictures, targets)
    return -10 * (pictures.float() - targets.float()).square().mean((1, 2, 3)).log10()


def ssim(pictures: Tensor, targets: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004), [N]: Gaussian windows of 11 px that lie inside the picture."""
    _check(pictures, targets, least=WINDOW)
    return _each(_ssim, pictures, targets)


def ms_ssim(pictures: Tensor, targets: Tensor) -> Tensor:
    """Multi-scale SSIM (Wang et al. 2003), [N]: five scales, halved by averaging 2×2 pixels."""
    _check(pictures, targets, least=MS_SSIM_LEAST)
    return _each(_ms_ssim, pictures, targets)


@dataclass(frozen=True)
class Fidelity:
    """One of the functions above as a Metric."""

    info: MetricInfo
    function: Callable[[Tensor, Tensor], Tensor]

    def prepare(self, targets: Tensor) -> Tensor:
        return targets

    def measure(self, pictures: Tensor, reference: Tensor) -> Figures:
        return [min(figure, CEILING) for figure in self.function(pictures, reference).tolist()]


PSNR = Fidelity(
    MetricInfo("psnr", "PSNR", True, f"RGB, values in [0, 1]; identical pictures count as {CEILING:.0f} dB", "dB", 2),
    psnr,
)
SSIM = Fidelity(
    MetricInfo("ssim", "SSIM", True, "mean over R, G, B; Gaussian window of 11 px, σ 1.5, inside the picture", "", 4),
    ssim,
)
MS_SSIM = Fidelity(MetricInfo("ms_ssim", "MS-SSIM", True, "mean over R, G, B; five scales", "", 4), ms_ssim)


def _each(function: Callable[[Tensor, Tensor], Tensor], pictures: Tensor, targets: Tensor) -> Tensor:
    """One picture at a time: its maps then stay in the CPU's cache, which halves the time of a batch."""
    pairs = zip(pictures.float(), targets.float())
    return torch.stack([function(picture, target) for picture, target in pairs]) if len(pictures) else torch.zeros(0)


def _ssim(picture: Tensor, target: Tensor) -> Tensor:
    luminance, contrast = _similarity(picture, target)
    return (luminance * contrast).mean()


def _ms_ssim(picture: Tensor, target: Tensor) -> Tensor:
    product = torch.ones(len(picture), device=picture.device)
    for scale, weight in enumerate(SCALE_WEIGHTS, start=1):
        luminance, contrast = _similarity(picture, target)
        similarity = luminance * contrast if scale == len(SCALE_WEIGHTS) else contrast
        product = product * similarity.mean((1, 2)).clamp_min(0) ** weight  # [3]; no root of a negative number
        picture, target = F.avg_pool2d(picture, 2), F.avg_pool2d(target, 2)
    return product.mean()


def _similarity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance and contrast-structure terms of every window of [C, H, W]. [C, H - 10, W - 10] each."""
    x, y = x - 0.5, y - 0.5  # variances don't mind, and lose fewer digits
    means = _windowed(torch.stack((x, y, x * x, y * y, x * y)))
    mean_x, mean_y, xx, yy, xy = means
    variances = (xx - mean_x.square()) + (yy - mean_y.square())
    covariance = xy - mean_x * mean_y
    mean_x, mean_y = mean_x + 0.5, mean_y + 0.5
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x.square() + mean_y.square() + _C1)
    return luminance, (2 * covariance + _C2) / (variances + _C2)


def _windowed(maps: Tensor) -> Tensor:
    """The Gaussian mean of every window. [..., H, W] → [..., H - 10, W - 10]"""
    planes = maps.reshape(1, -1, *maps.shape[-2:])
    offsets = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    line = torch.exp(-0.5 * (offsets / SIGMA).square())
    line = (line / line.sum()).to(planes).expand(planes.shape[1], 1, 1, WINDOW)
    rows = F.conv2d(planes, line, groups=planes.shape[1])  # each plane by itself: the CPU's quick way
    means = F.conv2d(rows, line.transpose(2, 3), groups=planes.shape[1])
    return means.reshape(*maps.shape[:-2], *means.shape[-2:])


def _check(pictures: Tensor, targets: Tensor, least: int = 1) -> None:
    if pictures.dim() != 4 or pictures.shape != targets.shape:
        raise ImageError(
            f"two [N, 3, H, W] of one size are compared, not {list(pictures.shape)} with {list(targets.shape)}"
        )
    if min(pictures.shape[2:]) < least:
        raise ImageError(f"pictures of {least} px at least are compared, not of {min(pictures.shape[2:])} px")

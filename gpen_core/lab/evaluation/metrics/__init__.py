"""Figures for restored faces. ``psnr``, ``ssim`` and ``ms_ssim`` are plain functions of tensors; the rest have weights.

>>> ssim(restored, targets)  # [N, 3, S, S] RGB in [0, 1], twice → [N]
"""

from .base import Figures, Metric, MetricInfo, MetricSet, SetMetric
from .build import METRICS, build_metrics
from .fid import frechet_distance
from .fidelity import ms_ssim, psnr, ssim
from .niqe import NiqeModel, fit_niqe_model, niqe, read_niqe_model, save_niqe_model

__all__ = [
    "METRICS",
    "Figures",
    "Metric",
    "MetricInfo",
    "MetricSet",
    "NiqeModel",
    "SetMetric",
    "build_metrics",
    "fit_niqe_model",
    "frechet_distance",
    "ms_ssim",
    "niqe",
    "psnr",
    "read_niqe_model",
    "save_niqe_model",
    "ssim",
]

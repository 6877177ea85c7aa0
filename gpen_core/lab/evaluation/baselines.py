"""What can be made of a degraded face without a network: the figures that a model has to beat."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import torch.nn.functional as F
from torch import Tensor

from ...errors import OptionError
from ...imaging.lanczos import resize_lanczos
from ...imaging.warp import resize_filtered
from .samples import Sample, enlarged

Baseline = Callable[[Sample, int], Tensor]  # a sample and the side of its target → [3, side, side] RGB in [0, 1]


def bicubic(sample: Sample, side: int) -> Tensor:
    """The small picture enlarged in one go, bicubic."""
    return resize_filtered(sample.small[None], (side, side), "bicubic")[0].clamp(0, 1)


def lanczos(sample: Sample, side: int) -> Tensor:
    """The small picture enlarged in one go, Lanczos-3."""
    return resize_lanczos(sample.small, (side, side))


def median(sample: Sample, side: int, window: int) -> Tensor:
    """What the network sees, each pixel the median of its window of ``window`` px, and enlarged where the target is."""
    return enlarged(median_filtered(sample.low[None], window), side)[0]


def median_filtered(pictures: Tensor, window: int) -> Tensor:
    """[N, C, H, W] → the same, each pixel the median of its window of ``window`` px (odd); edges are repeated outwards."""
    half = window // 2
    padded = F.pad(pictures, (half,) * 4, mode="replicate")
    return padded.unfold(2, window, 1).unfold(3, window, 1).flatten(-2).median(-1).values


BASELINES: MappingProxyType[str, Baseline] = MappingProxyType(
    {
        "bicubic": bicubic,
        "lanczos": lanczos,
        "median3": lambda sample, side: median(sample, side, 3),
        "median5": lambda sample, side: median(sample, side, 5),
    }
)
LABELS = MappingProxyType(
    {
        "input": "degraded input",
        "restored": "restored",
        "bicubic": "bicubic",
        "lanczos": "Lanczos",
        "median3": "median 3×3",
        "median5": "median 5×5",
        "original": "original",
    }
)


def baselines_named(names: tuple[str, ...]) -> dict[str, Baseline]:
    """Raises OptionError for an unknown name."""
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise OptionError(f"no baseline is called '{unknown[0]}'. Known: {', '.join(BASELINES)}.")
    return {name: BASELINES[name] for name in names}

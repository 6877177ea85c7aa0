"""How much a face needs restoring: an estimate from its pixels alone, at the size at which a model sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import CheckpointError, MissingWeightsError
from ..imaging.detail import noise_level
from ..imaging.luma import luma_of
from ..imaging.texture import FIGURES, texture_of
from ..imaging.warp import resize_filtered
from ..weights.find import ASSETS
from ..weights.reading import read_checkpoint

QUALITY_FILE = "face-quality.safetensors"
WORST, BEST = 5.0, 30.0  # dB of signal over error: qualities 0 and 1
_HIDDEN = (48, 24)
_LEAST_SIDE = 128  # px: smaller crops are enlarged, and so count as blurred
_MOST_SIDE = 1024  # px: of larger crops, the middle tells enough
# Grain as fine as skin's texture passes for it: noise in flat parts, in standard deviations of the crop, caps the quality.
# 19 of 20 clean faces have 0.005 to 0.023, a grainy print 0.036. The first value is where it begins to count.
_NOISE = (0.022, 0.034)
_OF_GRAIN = 0.35  # the quality of a face that is all grain
_FLATTEST = 0.02  # standard deviation below which a crop shows nothing that could be judged


class QualityNet(nn.Module):
    """Judges what ``texture_of`` measures: three linear layers, 12,000 parameters.

    It sees texture, not faces: it takes crops of any size, at the scale of their own pixels.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FIGURES))  # of the figures, over the faces it was trained on
        self.register_buffer("spread", torch.ones(FIGURES))
        first, second = _HIDDEN
        self.judge = nn.Sequential(
            nn.Linear(FIGURES, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, 1)
        )

    def forward(self, crops: Tensor) -> Tensor:
        """crops: [N, 3, S, S] RGB in [0, 1] → [N], the quality, not clamped."""
        return self.judged(texture_of(normalized(crops)))

    def judged(self, figures: Tensor) -> Tensor:
        """[N, FIGURES] as ``texture_of`` gives them → [N]."""
        quality: Tensor = self.judge((figures - self.mean) / self.spread)
        return quality[:, 0]


def normalized(crops: Tensor) -> Tensor:
    """Each picture without its mean and at a spread of 1, so that exposure and contrast are no matter: [N, 3, S, S]."""
    mean = crops.mean((1, 2, 3), keepdim=True)
    spread = crops.std((1, 2, 3), keepdim=True, unbiased=False).clamp_min(_FLATTEST)
    return (crops - mean) / spread


def quality_of_error(degraded: Tensor, clean: Tensor) -> Tensor:
    """The quality that is meant: the contrast of the clean face over the error of the degraded one, in dB, as 0 … 1.

    Args:
        degraded: [N, 3, S, S] RGB in [0, 1].
        clean: The same faces as they were.

    Returns:
        [N] in [0, 1]: 1 from 30 dB on, which is some 42 dB of PSNR, 0 up to 5 dB.
    """
    signal = clean.float().var((1, 2, 3), unbiased=False).clamp_min(_FLATTEST**2)
    error = (degraded.float() - clean.float()).square().mean((1, 2, 3)).clamp_min(1e-10)
    return ((10 * (signal / error).log10() - WORST) / (BEST - WORST)).clamp(0, 1)


@dataclass(frozen=True)
class QualityEstimator:
    """Calls a ``QualityNet``."""

    module: QualityNet

    @torch.inference_mode()
    def qualities(self, crops: Tensor) -> list[float]:
        """crops: [N, 3, S, S] RGB in [0, 1], aligned faces at the size at which a model sees them → [N] in [0, 1]."""
        if crops.shape[-1] < _LEAST_SIDE:
            crops = resize_filtered(crops.float(), (_LEAST_SIDE, _LEAST_SIDE), "bilinear")
        elif crops.shape[-1] > _MOST_SIDE:
            edge = (crops.shape[-1] - _MOST_SIDE) // 2
            crops = crops[:, :, edge : edge + _MOST_SIDE, edge : edge + _MOST_SIDE]
        even = normalized(crops.to(next(self.module.parameters())))
        judged = self.module.judged(texture_of(even)).clamp(0, 1)
        found: list[float] = torch.minimum(judged, _most(even)).tolist()
        return found


def _most(crops: Tensor) -> Tensor:
    """The best quality that noise leaves: [N, 3, S, S], normalized → [N]."""
    noise = torch.tensor([noise_level(luma_of(crop)) for crop in crops], device=crops.device)
    share = ((noise - _NOISE[0]) / (_NOISE[1] - _NOISE[0])).clamp(0, 1)
    return 1 - (1 - _OF_GRAIN) * share


def load_quality(path: Path | None = None, *, device: torch.device | str = "cpu") -> QualityEstimator:
    """Load the estimator.

    Args:
        path: Its file; None for the one that comes with the package.
        device: Where it runs.

    Raises:
        MissingWeightsError: The file is not there.
        CheckpointError: The file is another network's.
    """
    path = path or ASSETS / QUALITY_FILE
    if not path.is_file():
        raise MissingWeightsError(f"{path} is part of this package but missing. Reinstall the package.")
    module = QualityNet()
    weights = {name: value.float() for name, value in read_checkpoint(path).content.items()}
    try:
        module.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise CheckpointError(
            f"{path.name}: not an estimator of quality ({str(error).splitlines()[0]}). Make one with train-quality."
        ) from error
    return QualityEstimator(module.requires_grad_(False).eval().to(device))

"""NIQE: how unnatural a picture looks, without its original (Mittal, Soundararajan & Bovik 2013). Lower is better.

A multivariate Gaussian of the block statistics of pristine pictures is compared with that of one picture. The pristine
one comes from a file in BasicSR's layout (the authors' own, from 125 photographs), or is fitted here.

Conventions: full-range BT.601 luma in whole steps, blocks of 96 px from the top left, no border cropped, every block of
the judged picture counts. Two blocks are the least, so 192 px on one side; a face of 256 px has four, which is few: the
figures of single faces scatter, their mean says more.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ....errors import CheckpointError, ImageError, OptionError
from ....files import written_whole
from .base import Figures, MetricInfo
from .niqe_features import BLOCK, FEATURES, block_statistics, luma

PARAMETERS_FILE = "niqe_pris_params.npz"
SHARP = 0.75  # of a pristine picture's sharpest block: duller ones tell little (section II-B)
_MEAN, _COVARIANCE = "mu_pris_param", "cov_pris_param"


@dataclass(frozen=True, eq=False)
class NiqeModel:
    """What pristine pictures look like: ``mean`` [36] and ``covariance`` [36, 36], float64. ``source`` says of which."""

    mean: Tensor
    covariance: Tensor
    source: str


def niqe(picture: Tensor, model: NiqeModel) -> float | None:
    """picture: [3, H, W] RGB in [0, 1] → its NIQE; None where it has fewer than two blocks with anything in them."""
    features = block_statistics(luma(picture)).features
    whole = features[~features.isnan().any(1)]
    if len(whole) < 2:
        return None
    difference = model.mean - features.nanmean(0)
    covariance = (model.covariance + torch.cov(whole.T)) / 2
    squared = difference @ torch.linalg.pinv(covariance, hermitian=True) @ difference  # equation 10
    return float(squared.clamp_min(0).sqrt())


def read_niqe_model(path: Path) -> NiqeModel:
    """Read an ``.npz`` in the layout of BasicSR's ``niqe_pris_params.npz``. Raises CheckpointError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, covariance = (torch.from_numpy(file[name]).double() for name in (_MEAN, _COVARIANCE))
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path.name}: no NIQE parameters can be read from it ({error}). It should be an .npz file with "
            f"'{_MEAN}' and '{_COVARIANCE}'."
        ) from error
    if mean.numel() != FEATURES or covariance.shape != (FEATURES, FEATURES):
        raise CheckpointError(
            f"{path.name}: NIQE compares {FEATURES} features; this file's mean is {list(mean.shape)} "
            f"and its covariance {list(covariance.shape)}."
        )
    if not (mean.isfinite().all() and covariance.isfinite().all()):
        raise CheckpointError(f"{path.name}: holds NaN or infinite values. The file is damaged.")
    return NiqeModel(mean.flatten(), covariance, path.name)


def fit_niqe_model(pictures: Iterable[Tensor], source: str) -> NiqeModel:
    """Estimate the pristine model from pictures [3, H, W] RGB in [0, 1]: of each, the sharp blocks (section II-B).

    Raises OptionError where they hold too few blocks for a covariance of 36 features, ImageError for one that is none.
    """
    parts = [_sharp_features(picture) for picture in pictures]
    features = torch.cat(parts) if parts else torch.zeros(0, FEATURES, dtype=torch.float64)
    if len(features) <= FEATURES:
        raise OptionError(
            f"{source}: {len(features)} sharp blocks of {BLOCK} px, too few to estimate NIQE's {FEATURES} features. "
            "Give more or larger pictures, hundreds of blocks at least."
        )
    return NiqeModel(features.mean(0), torch.cov(features.T), source)


def save_niqe_model(model: NiqeModel, path: Path) -> None:
    """Write in the layout that ``read_niqe_model`` reads."""
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, mu_pris_param=model.mean[None].numpy(), cov_pris_param=model.covariance.numpy())


@dataclass(frozen=True, eq=False)
class Niqe:
    """NIQE as a Metric. It needs no target."""

    model: NiqeModel
    info: MetricInfo = field(init=False)

    def __post_init__(self) -> None:
        convention = f"BT.601 luma, blocks of {BLOCK} px from the top left; pristine pictures: {self.model.source}"
        object.__setattr__(self, "info", MetricInfo("niqe", "NIQE", False, convention, "", 2, reference=False))

    def prepare(self, targets: Tensor) -> None:
        return None

    def measure(self, pictures: Tensor, reference: None) -> Figures:
        return [niqe(picture, self.model) for picture in pictures.cpu()]


def _sharp_features(picture: Tensor) -> Tensor:
    if picture.dim() != 3 or picture.shape[0] != 3:
        raise ImageError(f"a pristine picture is [3, H, W], not {list(picture.shape)}")
    blocks = block_statistics(luma(picture))
    if not len(blocks.sharpness):
        return blocks.features
    sharp = blocks.sharpness > SHARP * blocks.sharpness.max()
    return blocks.features[sharp & ~blocks.features.isnan().any(1)]

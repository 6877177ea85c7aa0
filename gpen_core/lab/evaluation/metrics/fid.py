"""FID: how far the restored faces are from the originals as sets (Heusel et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ....commands import pip_install
from ....errors import OptionError
from ....weights.published import PublishedFile, read_published
from .base import MetricInfo

INCEPTION = PublishedFile(
    "FID's Inception",
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    (("pt_inception-2015-12-05-6726825d.pth", "6726825d"),),
)
INFO = MetricInfo(
    "fid",
    "FID",
    False,
    "pytorch-fid's Inception, pool3 features, bilinear to 299 px, against the originals of the same faces; "
    "of fewer than some thousand faces it is biased upwards, and comparable only with figures of as many",
    "",
    1,
    slow=True,
)
_SIDE = 299  # of the pictures that Inception was trained on


@dataclass(frozen=True, eq=False)
class Fid:
    """FID as a SetMetric. ``network`` takes [N, 3, 299, 299] in [-1, 1] to [N, 2048]."""

    network: Any
    info: MetricInfo = INFO

    @torch.no_grad()
    def features(self, pictures: Tensor) -> Tensor:
        enlarged = F.interpolate(pictures, (_SIDE, _SIDE), mode="bilinear", align_corners=False)
        features: Tensor = self.network(enlarged * 2 - 1)
        return features

    def compare(self, pictures: Tensor, targets: Tensor) -> float | None:
        return None if min(len(pictures), len(targets)) < 2 else frechet_distance(pictures, targets)


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """|μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½) of Gaussians fitted to two sets of features, [N, D] and [M, D].

    With centered rows A and B scaled so that Σ₁ = AᵀA and Σ₂ = BᵀB, the eigenvalues of Σ₁Σ₂ are the squared singular
    values of ABᵀ: no root of a D×D matrix is taken, and none of an inexact one.
    """
    a, b = first.double(), second.double()
    mean_a, mean_b = a.mean(0), b.mean(0)
    a, b = (a - mean_a) / (len(a) - 1) ** 0.5, (b - mean_b) / (len(b) - 1) ** 0.5
    overlap = torch.linalg.svdvals(a @ b.T).sum()
    distance = (mean_a - mean_b).square().sum() + a.square().sum() + b.square().sum() - 2 * overlap
    return float(distance.clamp_min(0))


def load_fid(folders: Sequence[Path]) -> Fid:
    """With the file in the user's folders. Raises MissingWeightsError, CheckpointError, OptionError without piq."""
    return Fid(inception(read_published(INCEPTION, folders)))


def inception(state: Mapping[str, Tensor]) -> Any:
    """TensorFlow's Inception of 2015 with these weights, up to its last pooling. Downloads nothing."""
    try:
        from piq.feature_extractors import fid_inception as parts
        from torchvision.models import inception_v3
    except ImportError as error:
        raise OptionError(f"FID needs the Python package piq ({error}): {pip_install('piq')}") from error
    with torch.device("meta"):
        network = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False)
        # The blocks that pool otherwise than torchvision's, with the widths of Szegedy et al. 2016, table 1.
        network.Mixed_5b = parts.FIDInceptionA(192, pool_features=32)
        network.Mixed_5c = parts.FIDInceptionA(256, pool_features=64)
        network.Mixed_5d = parts.FIDInceptionA(288, pool_features=64)
        for name, channels in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
            setattr(network, name, parts.FIDInceptionC(768, channels_7x7=channels))
        network.Mixed_7b, network.Mixed_7c = parts.FIDInceptionE1(1280), parts.FIDInceptionE2(2048)
    network.load_state_dict({key: value.float() for key, value in state.items()}, strict=True, assign=True)
    network.fc = torch.nn.Identity()
    return network.requires_grad_(False).eval()

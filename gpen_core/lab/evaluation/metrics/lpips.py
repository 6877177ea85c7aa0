"""LPIPS: distance of what AlexNet sees in two pictures (Zhang et al. 2018)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ....commands import pip_install
from ....errors import OptionError
from ....weights.published import PublishedFile, read_published
from .base import Figures, MetricInfo

ALEXNET = PublishedFile(
    "torchvision's AlexNet",
    "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    (("alexnet-owt-7be5be79.pth", "7be5be79"), ("alexnet-owt-4df8aa71.pth", "4df8aa71")),
)
INFO = MetricInfo("lpips", "LPIPS", False, "version 0.1 on AlexNet, by the Python package lpips", slow=True)
_TRUNK = "features."


@dataclass(frozen=True, eq=False)
class Lpips:
    """LPIPS as a Metric; ``network`` is an ``lpips.LPIPS``."""

    network: Any
    info: MetricInfo = INFO

    def prepare(self, targets: Tensor) -> Tensor:
        return targets

    @torch.no_grad()
    def measure(self, pictures: Tensor, reference: Tensor) -> Figures:
        return [float(distance) for distance in self.network(pictures, reference, normalize=True).flatten()]


def load_lpips(folders: Sequence[Path]) -> Lpips:
    """With the backbone in the user's folders. Raises MissingWeightsError, CheckpointError, OptionError without lpips."""
    return Lpips(lpips_network(read_published(ALEXNET, folders)))


def lpips_network(alexnet: Mapping[str, Tensor]) -> Any:
    """``lpips.LPIPS`` with the package's calibration on torchvision's AlexNet of these weights. Downloads nothing."""
    try:
        import lpips
    except ImportError as error:
        raise OptionError(f"LPIPS needs the Python package lpips ({error}): {pip_install('lpips')}") from error
    # "pnet_rand" keeps it from downloading a trunk; ours follows, and nobody's random numbers are used up.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision's, on how lpips asks it for no weights
        network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    by_layer = {key.removeprefix(_TRUNK): value for key, value in alexnet.items() if key.startswith(_TRUNK)}
    # torchvision's features.3.weight is slice2.3.weight in lpips
    trunk = {name: by_layer[name.partition(".")[2]].float() for name in network.net.state_dict()}
    network.net.load_state_dict(trunk, strict=True)
    return network.requires_grad_(False).eval()

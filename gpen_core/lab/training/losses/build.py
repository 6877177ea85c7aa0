"""From configurations to losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import torch

from ....errors import OptionError
from . import identity, mobilenet, perceptual, vgg
from .base import LossConfig, PictureLoss, WeightFinder
from .files import LossFile, locate
from .pixel import L1, L2, Psnr, SmoothL1
from .texture import Texture


@dataclass(frozen=True)
class _Request:
    config: LossConfig
    device: torch.device
    find: WeightFinder

    def path(self, file: LossFile) -> Path:
        return locate(file, self.config, self.find)


def _mobilenet(request: _Request) -> PictureLoss:
    config, path = request.config, request.path(mobilenet.FILE)
    return mobilenet.mobilenet_loss(path, weight=config.weight, factors=config.layer_weights, device=request.device)


def _vgg19(request: _Request) -> PictureLoss:
    config, path = request.config, request.path(vgg.FILE)
    return vgg.vgg_loss(path, weight=config.weight, factors=config.layer_weights, device=request.device)


def _identity(request: _Request) -> PictureLoss:
    return identity.identity_loss(request.path(identity.FILE), weight=request.config.weight, device=request.device)


def _lpips(backbone: str, request: _Request) -> PictureLoss:
    path = request.path(perceptual.FILES[backbone])
    return perceptual.lpips_loss(path, weight=request.config.weight, backbone=backbone, device=request.device)


_BUILDERS: MappingProxyType[str, Callable[[_Request], PictureLoss]] = MappingProxyType(
    {
        "l1": lambda request: L1(request.config.weight),
        "l2": lambda request: L2(request.config.weight),
        "smooth_l1": lambda request: SmoothL1(request.config.weight),
        "psnr": lambda request: Psnr(request.config.weight),
        "texture": lambda request: Texture(request.config.weight),
        "mobilenet": _mobilenet,
        "vgg19": _vgg19,
        "identity": _identity,
        "lpips": partial(_lpips, "alex"),
        "lpips_vgg": partial(_lpips, "vgg"),
    }
)
_WITH_LAYERS = ("mobilenet", "vgg19")
_WITHOUT_FILE = ("l1", "l2", "smooth_l1", "psnr", "texture")
LOSS_KINDS = tuple(_BUILDERS)


def build_picture_losses(
    configs: Sequence[LossConfig], *, device: torch.device | str, find: WeightFinder
) -> tuple[PictureLoss, ...]:
    """One loss per configuration, in their order, with its network (where it has one) on ``device``.

    Raises OptionError for an unknown kind, MissingWeightsError with the address for weights that are on no path given and
    not known to ``find``, CheckpointError for a file that is not the network it should be.
    """
    return tuple(_build(_Request(config, torch.device(device), find)) for config in configs)


def _build(request: _Request) -> PictureLoss:
    config = request.config
    builder = _BUILDERS.get(config.kind)
    if builder is None:
        raise OptionError(f"no loss is called '{config.kind}'. Known: {', '.join(LOSS_KINDS)}.")
    if config.layer_weights is not None and config.kind not in _WITH_LAYERS:
        raise OptionError(f"the loss '{config.kind}' has no layers to weigh: only {' and '.join(_WITH_LAYERS)} have")
    if config.file is not None and config.kind in _WITHOUT_FILE:
        raise OptionError(f"the loss '{config.kind}' has no network: give it no file")
    return builder(request)

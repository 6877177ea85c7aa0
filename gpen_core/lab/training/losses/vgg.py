"""The perceptual loss: VGG-19 (Simonyan & Zisserman 2015), torchvision's network with the user's file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ....commands import pip_install
from ....errors import OptionError
from .features import FeatureLoss, Trunk
from .files import LossFile, frozen, load_exactly, read_state

FILE = LossFile(
    "torchvision's VGG-19",
    ("vgg19-dcbb9e9d.pth", "vgg19.pth"),
    "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
)
# The last convolution at each resolution, before its rectifier: layers and factors as Real-ESRGAN and GFPGAN train with,
# so that their weights of this loss carry over. Numbers count the steps of torchvision's ``features`` up to the layer.
LAYERS = {"conv1_2": 3, "conv2_2": 8, "conv3_4": 17, "conv4_4": 26, "conv5_4": 35}
FACTORS = (0.1, 0.1, 1.0, 1.0, 1.0)
_PREFIX = "features."


def load_vgg(path: Path, device: torch.device | str = "cpu") -> Trunk:
    """The convolutions of the file at ``path``: torchvision's whole state dict, or its ``features`` alone.

    Raises CheckpointError for any other file, OptionError without torchvision.
    """
    steps = _untrained()
    load_exactly(steps, _convolutions(read_state(path)), path, FILE)
    return frozen(Trunk([_out_of_place(step) for step in steps], LAYERS), device)


def vgg_loss(
    path: Path, *, weight: float, factors: tuple[float, ...] | None = None, device: torch.device | str = "cpu"
) -> FeatureLoss:
    """The loss "vgg19" with the weights at ``path``; ``factors`` of the layers conv1_2 … conv5_4."""
    return FeatureLoss("vgg19", weight, load_vgg(path, device), factors or FACTORS)


def _untrained() -> nn.Sequential:
    try:
        from torchvision.models import vgg19
    except ImportError as error:
        raise OptionError(f"the loss 'vgg19' needs torchvision ({error}): {pip_install('torchvision')}") from error
    with torch.device("meta"):
        features: nn.Sequential = vgg19(weights=None).features
    return features[: max(LAYERS.values())]


def _convolutions(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Keys "0.weight" … whichever of the two forms the file has; the classifier is left out."""
    if not any(key.startswith(_PREFIX) for key in state):
        return state
    return {key.removeprefix(_PREFIX): value for key, value in state.items() if key.startswith(_PREFIX)}


def _out_of_place(step: nn.Module) -> nn.Module:
    """torchvision's rectifiers overwrite their input, and here that is a feature."""
    return nn.ReLU() if isinstance(step, nn.ReLU) else step

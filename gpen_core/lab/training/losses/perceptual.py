"""LPIPS (Zhang et al. 2018): the ``lpips`` package's network and calibration, the backbone from the user's file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor, nn

from ....commands import pip_install
from ....errors import OptionError
from .base import check_pictures
from .files import LossFile, frozen, load_exactly, read_state

# torchvision's files, which the package would otherwise download
FILES = MappingProxyType(
    {
        "alex": LossFile(
            "torchvision's AlexNet",
            ("alexnet-owt-7be5be79.pth", "alexnet-owt-4df8aa71.pth"),
            "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        ),
        "vgg": LossFile(
            "torchvision's VGG-16", ("vgg16-397923af.pth",), "https://download.pytorch.org/models/vgg16-397923af.pth"
        ),
    }
)
_FEATURES = "features."


@dataclass(frozen=True, eq=False)
class Lpips:
    """Distance of unit-length features, per channel as people weighed them; mean over the batch. 0 alike, about 1 unlike.

    ``module`` is an ``lpips.LPIPS``. Version 0.1; AlexNet is what published figures use, VGG-16 what is trained with.
    """

    module: nn.Module
    weight: float = 1.0
    name: str = "lpips"

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        return self.distances(restored, target).mean()

    def distances(self, restored: Tensor, target: Tensor) -> Tensor:
        """[N, 3, S, S] RGB in [-1, 1], twice → [N] float32, one for each pair."""
        check_pictures(restored, target)
        with torch.no_grad():
            wanted = self._features(target)
        found = self._features(restored)
        with torch.autocast(restored.device.type, enabled=False):
            layers = [
                calibration((_directions(ours) - _directions(theirs)).square()).mean((1, 2, 3))
                for calibration, ours, theirs in zip(self.module.lins, found, wanted)  # type: ignore[arg-type]
            ]
        return torch.stack(layers).sum(0)

    def _features(self, pictures: Tensor) -> tuple[Tensor, ...]:
        scaled = self.module.scaling_layer(pictures.float())  # type: ignore[operator]
        features: tuple[Tensor, ...] = self.module.net(scaled)  # type: ignore[operator]
        return features


def load_lpips(path: Path, backbone: str = "alex", device: torch.device | str = "cpu") -> nn.Module:
    """``lpips.LPIPS`` of ``backbone`` ("alex" or "vgg") with torchvision's weights at ``path``. Downloads nothing.

    Raises CheckpointError for any other file, OptionError without lpips.
    """
    try:
        import lpips
    except ImportError as error:
        raise OptionError(f"LPIPS needs the Python package lpips ({error}): {pip_install('lpips')}") from error
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision, on how lpips asks it for no weights
        module = lpips.LPIPS(net=backbone, pretrained=False, pnet_rand=True, verbose=False)
    module.scaling_layer = lpips.ScalingLayer()  # constants, no weights
    calibration = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{backbone}.pth"
    file = FILES[backbone]
    load_exactly(module.net, _in_slices(module.net, read_state(path)), path, file)
    ours = LossFile("LPIPS's calibration", (calibration.name,), "the Python package lpips: install it again")
    layers = nn.ModuleDict({f"lin{index}": layer for index, layer in enumerate(module.lins)})
    load_exactly(layers, read_state(calibration), calibration, ours)
    return frozen(module, device)


def lpips_loss(path: Path, *, weight: float, backbone: str = "alex", device: torch.device | str = "cpu") -> Lpips:
    """The loss "lpips" (AlexNet) or "lpips_vgg" with the backbone at ``path``."""
    return Lpips(load_lpips(path, backbone, device), weight, "lpips" if backbone == "alex" else f"lpips_{backbone}")


def _in_slices(net: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """torchvision's ``features.3.weight`` under lpips's name for it, ``slice2.3.weight``. The classifier is left out."""
    if any(key.startswith(_FEATURES) for key in state):
        state = {key.removeprefix(_FEATURES): value for key, value in state.items() if key.startswith(_FEATURES)}
    names = {key.partition(".")[2]: key for key in net.state_dict()}
    return {names.get(key, key): value for key, value in state.items()}


def _directions(features: Tensor) -> Tensor:
    """Features of length 1 over the channels. The package's own square root has no gradient where all of them are 0."""
    features = features.float()
    return features / (torch.linalg.vector_norm(features, dim=1, keepdim=True) + 1e-10)

"""torchvision's published ImageNet weights for a ResNet encoder to start from."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from ..errors import MissingWeightsError, OptionError
from ..model import Gpen
from ..model.resnet import load_imagenet
from ..weights.reading import read_checkpoint


def load_imagenet_encoder(network: Gpen, path: str | Path) -> None:
    """Fill the ResNet encoder of ``network`` from torchvision's file of the same depth (either of its versions).

    Raises OptionError where the encoder is no ResNet, MissingWeightsError with the file's address where it is absent,
    CheckpointError where it is another network's.
    """
    path, kind = Path(path), network.config.encoder
    if network.config.has_features:
        raise OptionError(f"the encoder is '{kind}': ImageNet weights are for 'resnet50' and 'resnet101'")
    if not path.is_file():
        raise MissingWeightsError(f"{path} is not there. torchvision's {kind} on ImageNet: {_address(kind)}")
    content = read_checkpoint(path).content
    state = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    load_imagenet(network.encoder, state, path.name)


def _address(kind: str) -> str:
    from torchvision.models import get_model_weights

    return str(get_model_weights(kind).DEFAULT.url)

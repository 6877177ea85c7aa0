"""A new network that begins by copying its input: a residual connection without a connection."""

from __future__ import annotations

from typing import Any

import torch

from ..errors import OptionError
from .gpen import Gpen
from .growing import let_features_in
from .layout import layers_of
from .ops import ACTIVATION_GAIN


@torch.no_grad()
def copy_input(network: Gpen) -> None:
    """Make a new network of the published family yield its input, for pictures in [-1, 1].

    The first three channels of the finest encoder stage carry x + 1, which passes both leaky ReLUs unbent; the last RGB
    layer reads them off the concatenated feature, and no RGB layer looks at anything else yet. A network that restores
    then learns from its first step what to change, instead of thousands of steps long how to copy. Lets all features
    in. Raises OptionError for networks that have no such way: of another family, that add features, or that enlarge.
    """
    config = network.config
    if config.family != "published" or not config.concatenate or config.scale != 1 or config.channels[-1] < 3:
        raise OptionError(
            f"only a network of the published family that concatenates features of at least 3 channels, and yields pictures "
            f"of the size it takes, can begin as a copy of its input, not {config}"
        )
    let_features_in(network)
    layers = layers_of(config)
    finest: Any = network.get_submodule(layers[0].name)
    rgbs: list[Any] = [network.get_submodule(layer.name) for layer in layers if layer.kind == "rgb"]
    carry, activation = finest
    eye = torch.eye(3).to(carry.weight)
    carry.weight[:3] = (eye / (ACTIVATION_GAIN * carry.gain))[:, :, None, None]
    activation.bias[:3] = 1 / ACTIVATION_GAIN
    for rgb in rgbs:
        rgb.conv.weight.zero_()
    last = rgbs[-1]
    carried = slice(config.channels[-1], config.channels[-1] + 3)
    last.conv.weight[0, :, carried, 0, 0] = eye / (ACTIVATION_GAIN * last.conv.gain)
    last.conv.modulation.weight[carried] = 0  # whatever the style: 1, its bias
    last.bias.fill_(-1.0)

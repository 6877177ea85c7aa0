"""The ways through the network that can be asked for by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from ..checkpoints import GpenModel

Way = Callable[[GpenModel, Tensor], Tensor]  # crops [N, 3, S, S] in [0, 1] → [N, 3, S', S'] in [0, 1], float32


@torch.inference_mode()
def _reference(model: GpenModel, crops: Tensor) -> Tensor:
    """The readable modules, one after the other."""
    weight = next(model.module.parameters())
    pictures = crops.to(weight.device, weight.dtype)
    if weight.device.type == "cpu":  # which oneDNN's convolutions of wide maps are twice as fast with
        pictures = pictures.contiguous(memory_format=torch.channels_last)
    if not model.task.unshifted:
        pictures = pictures * 2 - 1
    restored: Tensor = model.module(pictures).float()
    return restored.add(1).div(2).clamp(0, 1)


def _restoring(model: GpenModel, crops: Tensor) -> Tensor:
    """Whatever restoring takes: the fast path, where there is one for the network and the device."""
    return model(crops)


REFERENCE = "reference"  # what the others' results are compared with
PATHS: Mapping[str, Way] = MappingProxyType({REFERENCE: _reference, "restoring": _restoring})

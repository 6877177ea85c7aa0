"""The ways through the network that can be asked for by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from torch import Tensor

from ...checkpoints import GpenModel
from ...engines import PlainEngine

Way = Callable[[GpenModel, Tensor], Tensor]  # crops [N, 3, S, S] in [0, 1] → [N, 3, S', S'] in [0, 1], float32


def _reference(model: GpenModel, crops: Tensor) -> Tensor:
    """The readable modules, one after the other."""
    return replace(model, engine=PlainEngine(model.device.type))(crops)


def _restoring(model: GpenModel, crops: Tensor) -> Tensor:
    """Whatever restoring takes: the model's own engine."""
    return model(crops)


REFERENCE = "reference"  # what the others' results are compared with
PATHS: Mapping[str, Way] = MappingProxyType({REFERENCE: _reference, "restoring": _restoring})

"""The ways through the network that can be asked for by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor

from ...checkpoints import GpenModel

Way = Callable[[GpenModel, Tensor], Tensor]  # crops [N, 3, S, S] in [0, 1] → [N, 3, S', S'] in [0, 1], float32


def _reference(model: GpenModel, crops: Tensor) -> Tensor:
    """The readable modules, one after the other."""
    return model.by(model.module, crops)


def _restoring(model: GpenModel, crops: Tensor) -> Tensor:
    """Whatever restoring takes: the fast path, where there is one for the network and the device."""
    return model(crops)


REFERENCE = "reference"  # what the others' results are compared with
PATHS: Mapping[str, Way] = MappingProxyType({REFERENCE: _reference, "restoring": _restoring})

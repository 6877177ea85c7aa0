"""Which engine runs a network: the one place where that is decided."""

from __future__ import annotations

import torch

from ..model import Gpen, GpenConfig
from .base import Engine
from .onnx import OnnxEngine, OnnxNetwork
from .plain import PlainEngine
from .rows.engine import RowsEngine


def engine_for(config: GpenConfig, device: torch.device | str, dtype: torch.dtype) -> Engine:
    """The fastest engine for a network of this shape on the device where it *will* run.

    Args:
        config: The network's shape.
        device: The target, such as "cuda:0"; the weights may still be elsewhere.
        dtype: The weights' precision.
    """
    device = torch.device(device)
    engines: tuple[Engine, ...] = (RowsEngine(), PlainEngine(device.type))  # faster ones first; the last runs anything
    return next(engine for engine in engines if engine.can_run(config, device, dtype))


def engine_of(network: Gpen | OnnxNetwork, device: torch.device | str, dtype: torch.dtype) -> Engine:
    """``engine_for`` a network's shape; for a graph the one that runs graphs."""
    if isinstance(network, OnnxNetwork):
        return OnnxEngine(torch.device(device).type, network.ends.batch, network.bytes_held)
    return engine_for(network.config, device, dtype)

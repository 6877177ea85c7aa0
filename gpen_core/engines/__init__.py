"""How a network runs, and what that costs: engines, and the one place where one is chosen."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .base import Engine, Network, Threaded, largest_batch
    from .choose import engine_for, engine_of
    from .onnx import OnnxEngine, OnnxNetwork
    from .plain import PlainEngine
    from .rows.engine import RowsEngine

__all__ = [
    "Engine",
    "Network",
    "OnnxEngine",
    "OnnxNetwork",
    "PlainEngine",
    "RowsEngine",
    "Threaded",
    "engine_for",
    "engine_of",
    "largest_batch",
]

__getattr__ = lazy_names(
    __name__,
    {
        "base": ("Engine", "Network", "Threaded", "largest_batch"),
        "choose": ("engine_for", "engine_of"),
        "onnx": ("OnnxEngine", "OnnxNetwork"),
        "plain": ("PlainEngine",),
        "rows.engine": ("RowsEngine",),
    },
)

"""A graph as its file describes it: nodes in the order in which they run, constants, what goes in and comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from .tensors import Stored

Attribute = int | float | str | Tensor | tuple[int, ...] | tuple[float, ...] | None


@dataclass(frozen=True)
class Node:
    """One operation. An optional input that is left out is ""."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    name: str = ""
    domain: str = ""


@dataclass(frozen=True)
class Port:
    """What goes in or comes out. ``shape``: -1 where any size may be; None where the file does not say."""

    name: str
    kind: int  # TensorProto.DataType
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Graph:
    """A whole file. ``files``: all that it consists of: itself, and those of its weights that lie beside it."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Stored | None]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opset: int
    files: tuple[Path, ...]
    producer: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

"""What an operation is given: its inputs and attributes, as they are or as they are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...weights.onnx_file import Node

Inputs = Sequence[Tensor | None]
Operation = Callable[[Node, Inputs], Tensor | tuple[Tensor, ...]]
HALVES = (torch.float16, torch.bfloat16, torch.float64)  # computed in float32


def widened(value: Tensor) -> Tensor:
    """Floats as float32."""
    return value.float() if value.dtype in HALVES else value


def attribute(node: Node, name: str, default: Any = None) -> Any:
    """An attribute, or what stands for it where it is left out."""
    value = node.attributes.get(name)
    return default if value is None else value


def known_ints(value: Tensor | None) -> list[int]:
    """A list of whole numbers that the graph has, or computes from constants. ValueError where it depends on the picture."""
    if value is None or value.is_meta:
        raise ValueError("a shape or an axis that depends on the picture")
    return [int(each) for each in value.reshape(-1).tolist()]


def listed(node: Node, inputs: Inputs, name: str, place: int) -> list[int] | None:
    """What newer opsets take as an input and older ones as an attribute; None where it is left out."""
    if len(inputs) > place and inputs[place] is not None:
        return known_ints(inputs[place])
    value: Any = node.attributes.get(name)
    return None if value is None else list(value if isinstance(value, tuple) else (value,))


def first_of(inputs: Inputs) -> Tensor:
    """The first input. ValueError where it is missing."""
    value = inputs[0]
    if value is None:
        raise ValueError("an input is missing")
    return value

"""What each operation makes of values in a GPEN network's terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from ...model.ops import LEAKY_SLOPE, fir_kernel
from ...weights.onnx_file import Node
from .given import attribute
from .products import divide, factor_of, multiply
from .values import (
    Activation,
    Conv,
    Energy,
    Filters,
    Fir,
    Linear,
    Map,
    NotReadable,
    Sum,
    Value,
    origin_part,
)

# These change nothing of what a value is, and those make of a norm something on its way to a norm.
_KEPT = (
    "Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Pad", "Slice", "Expand", "Tile", "Transpose", "Gather",
    "Clip",
)  # fmt: skip
_OF_ENERGY = (
    "Abs",
    "Sqrt",
    "Reciprocal",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "ReduceL2",
    "ReduceSumSquare",
    "Max",
    "Pow",
)


def interpreted(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    """What the node makes, of which ``made`` has the shape."""
    first = next(value for value in values if value is not None and not isinstance(value, Tensor))
    if node.kind in _RULES:
        return _RULES[node.kind](node, values, shapes, made)
    if node.kind in _KEPT:
        return first
    if node.kind in _OF_ENERGY:
        return Energy()
    raise NotReadable(f"it has the operation {node.kind:.40} where no GPEN network has it")


def _add(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    a, b = values
    sign = -1.0 if node.kind == "Sub" else 1.0
    if isinstance(a, Energy) or isinstance(b, Energy):
        return Energy()
    if isinstance(a, Map) and isinstance(b, Tensor):
        return a.plus(sign * factor_of(b, made, a.channels))
    if isinstance(b, Map) and isinstance(a, Tensor) and sign > 0:
        return b.plus(factor_of(a, made, b.channels))
    if isinstance(a, Map) and isinstance(b, Map) and sign > 0:
        return origin_part(Sum(a, b), a.channels)
    raise NotReadable(f"it has the operation {node.kind} where no GPEN network has it")


def _power(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    return Energy()


def _join(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    maps = [value for value in values if isinstance(value, Map)]
    zeros = [value for value in values if isinstance(value, Tensor)]
    if len(maps) == 1 and not any(bool(value.any()) for value in zeros):
        return maps[0]
    if zeros or len(maps) != len(values) or made.dim() != 4 or attribute(node, "axis") % 4 != 1:
        raise NotReadable("it joins what no GPEN network joins")
    return Map(tuple(part for each in maps for part in each.parts))


def _activate(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    (source,) = values
    slope = attribute(node, "alpha", 0.01)
    if not isinstance(source, Map) or abs(slope - LEAKY_SLOPE) > 1e-3:
        raise NotReadable(f"it has a leaky ReLU of slope {slope:g}, not {LEAKY_SLOPE}")
    return origin_part(Activation(source), source.channels)


def _linear(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    source, weight, bias = (*values, None)[:3]
    if isinstance(source, Energy):
        return source
    if (
        not isinstance(source, Map)
        or not isinstance(weight, Tensor)
        or weight.dim() != 2
        or attribute(node, "transA", 0)
    ):
        raise NotReadable("it multiplies matrices that no GPEN network multiplies")
    weight = (weight if attribute(node, "transB", 0) else weight.T) * attribute(node, "alpha", 1.0)
    result = origin_part(Linear(weight, source), len(weight))
    if isinstance(bias, Tensor):
        result = result.plus(factor_of(bias * attribute(node, "beta", 1.0), made, len(weight)))
    return result


def _convolve(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    source, weight, bias = (*values, None)[:3]
    up = node.kind == "ConvTranspose"
    if isinstance(source, Map) and isinstance(weight, Tensor) and weight.shape[-1] == 4 and weight.shape[1] == 1:
        return origin_part(Fir(source.times(_fir_gain(weight))), source.channels)
    style = weight.style if isinstance(weight, Filters) else source.parts[0].by if isinstance(source, Map) else None
    if isinstance(weight, Filters):
        weight = weight.weight.flatten(0, 1)  # [O, I, k, k]
    elif isinstance(weight, Tensor):
        weight = weight.transpose(0, 1) if up else weight
    if not isinstance(weight, Tensor) or not isinstance(source, Map | Tensor) or attribute(node, "group", 1) != 1:
        raise NotReadable("it has a convolution that no GPEN network has")
    result = origin_part(Conv(weight, source, style, attribute(node, "strides", (1, 1))[0], up), len(weight))
    return result if bias is None else result.plus(factor_of(bias, made, 0) if bias.numel() == 1 else bias)  # type: ignore[arg-type, union-attr]


def _fir_gain(weight: Tensor) -> float:
    """By how much its sum is not 1, or 4. Raises NotReadable for another filter."""
    total = float(weight[0].sum())
    if not torch.allclose(weight / total, fir_kernel().expand_as(weight), atol=1e-3):
        raise NotReadable("it filters with another kernel than a GPEN network")
    return total if abs(total - 1) < abs(total - 4) else total / 4


_Rule = Callable[[Node, list[Value | None], list[Tensor | None], Tensor], Value]
_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        "Add": _add,
        "Sub": _add,
        "Mul": multiply,
        "Div": divide,
        "Pow": _power,
        "Concat": _join,
        "LeakyRelu": _activate,
        "Gemm": _linear,
        "MatMul": _linear,
        "Conv": _convolve,
        "ConvTranspose": _convolve,
    }
)

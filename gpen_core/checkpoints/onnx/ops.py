"""ONNX's operations on torch tensors: those that exported GPEN networks consist of.

For two purposes: to compute what is constant in a graph, whatever an exporter left unfolded, and to know every map's shape, by
running the rest on torch's meta device. Numbers that say *how* (shapes, axes, pads) must be known; float16 is computed in
float32. What an operation means is ONNX's specification, opset 9 to 23.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...weights.onnx_file import Node
from ...weights.onnx_file.tensors import TYPES

Inputs = Sequence[Tensor | None]
Operation = Callable[[Node, Inputs], Tensor | tuple[Tensor, ...]]
_HALVES = (torch.float16, torch.bfloat16, torch.float64)


def widened(value: Tensor) -> Tensor:
    """Floats as float32."""
    return value.float() if value.dtype in _HALVES else value


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


def _first(inputs: Inputs) -> Tensor:
    value = inputs[0]
    if value is None:
        raise ValueError("an input is missing")
    return value


def _two(compute: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    def run(node: Node, inputs: Inputs) -> Tensor:
        a, b = inputs
        if a is None or b is None:
            raise ValueError("an input is missing")
        return compute(a, b)

    return run


def _one(compute: Callable[[Tensor], Tensor]) -> Operation:
    return lambda node, inputs: compute(_first(inputs))


def _divided(a: Tensor, b: Tensor) -> Tensor:
    """Whole numbers are divided towards zero."""
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


def _pads(node: Node) -> list[int]:
    """(left, right, top, bottom), for ``F.pad``."""
    if attribute(node, "auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise ValueError("padding that is left to the engine")
    top, left, bottom, right = attribute(node, "pads", (0, 0, 0, 0))
    return [left, right, top, bottom]


def _conv(node: Node, inputs: Inputs) -> Tensor:
    x, weight, bias = (*inputs, None)[:3]
    assert x is not None and weight is not None  # noqa: S101 - an operation of two inputs at least
    strides, dilations = attribute(node, "strides", (1, 1)), attribute(node, "dilations", (1, 1))
    return F.conv2d(F.pad(x, _pads(node)), weight, bias, strides, 0, dilations, attribute(node, "group", 1))


def _conv_transpose(node: Node, inputs: Inputs) -> Tensor:
    x, weight, bias = (*inputs, None)[:3]
    assert x is not None and weight is not None  # noqa: S101
    left, right, top, bottom = _pads(node)
    strides, extra = attribute(node, "strides", (1, 1)), attribute(node, "output_padding", (0, 0))
    y = F.conv_transpose2d(x, weight, bias, strides, 0, extra, attribute(node, "group", 1))
    return y[..., top : y.shape[-2] - bottom, left : y.shape[-1] - right]


def _gemm(node: Node, inputs: Inputs) -> Tensor:
    a, b, c = (*inputs, None)[:3]
    assert a is not None and b is not None  # noqa: S101
    a, b = (a.T if attribute(node, "transA", 0) else a), (b.T if attribute(node, "transB", 0) else b)
    y = (a @ b) * attribute(node, "alpha", 1.0)
    return y if c is None else y + c * attribute(node, "beta", 1.0)


def _reshape(node: Node, inputs: Inputs) -> Tensor:
    x, sides = _first(inputs), listed(node, inputs, "shape", 1) or []
    keep = not attribute(node, "allowzero", 0)
    return x.reshape([x.shape[axis] if side == 0 and keep else side for axis, side in enumerate(sides)])


def _flatten(node: Node, inputs: Inputs) -> Tensor:
    x, axis = _first(inputs), attribute(node, "axis", 1)
    return x.reshape(x.shape[:axis].numel(), -1)


def _squeeze(node: Node, inputs: Inputs) -> Tensor:
    x, axes = _first(inputs), listed(node, inputs, "axes", 1)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


def _unsqueeze(node: Node, inputs: Inputs) -> Tensor:
    x, axes = _first(inputs), listed(node, inputs, "axes", 1) or []
    for axis in sorted(each % (x.dim() + len(axes)) for each in axes):
        x = x.unsqueeze(axis)
    return x


def _slice(node: Node, inputs: Inputs) -> Tensor:
    x = _first(inputs)
    starts, ends = listed(node, inputs, "starts", 1) or [], listed(node, inputs, "ends", 2) or []
    axes = listed(node, inputs, "axes", 3) or list(range(len(starts)))
    steps = listed(node, inputs, "steps", 4) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        indices = range(x.shape[axis])[slice(start, None if step < 0 and end < -x.shape[axis] else end, step)]
        x = x.index_select(axis, torch.tensor(list(indices), dtype=torch.int64, device=x.device))
    return x


def _pad(node: Node, inputs: Inputs) -> Tensor:
    x, pads = _first(inputs), listed(node, inputs, "pads", 1) or []
    if attribute(node, "mode", "constant") != "constant":
        raise ValueError("padding with other than zeros")
    value = inputs[2] if len(inputs) > 2 else None
    if value is not None and not value.is_meta and float(value) != 0:
        raise ValueError("padding with other than zeros")
    axes = listed(node, inputs, "axes", 3) or list(range(x.dim()))
    before, after = [0] * x.dim(), [0] * x.dim()
    for place, axis in enumerate(axes):
        before[axis], after[axis] = pads[place], pads[place + len(axes)]
    return F.pad(x, [side for axis in reversed(range(x.dim())) for side in (before[axis], after[axis])])


def _gather(node: Node, inputs: Inputs) -> Tensor:
    x, axis = _first(inputs), attribute(node, "axis", 0)
    indices = inputs[1]
    places = torch.tensor(known_ints(indices), device=x.device) % x.shape[axis]
    shape = list(indices.shape) if indices is not None else []
    axis %= x.dim()
    return x.index_select(axis, places).reshape([*x.shape[:axis], *shape, *x.shape[axis + 1 :]])


def _expand(node: Node, inputs: Inputs) -> Tensor:
    x, sides = _first(inputs), known_ints(inputs[1])
    return x.expand(torch.broadcast_shapes(x.shape, tuple(sides)))


def _reduce(compute: Callable[[Tensor, list[int], bool], Tensor]) -> Operation:
    def run(node: Node, inputs: Inputs) -> Tensor:
        x, axes = _first(inputs), listed(node, inputs, "axes", 1)
        return compute(x, list(range(x.dim())) if axes is None else axes, bool(attribute(node, "keepdims", 1)))

    return run


def _constant(node: Node, inputs: Inputs) -> Tensor:
    for name in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        value = node.attributes.get(name)
        if value is not None:
            return value if isinstance(value, Tensor) else torch.tensor(value)
    raise ValueError("a constant of another kind")


def _filled(node: Node, inputs: Inputs) -> Tensor:
    value = node.attributes.get("value")
    fill = value if isinstance(value, Tensor) else torch.zeros(1)
    return fill.reshape(()).expand(known_ints(inputs[0])).clone()


def _cast(node: Node, inputs: Inputs) -> Tensor:
    kind = TYPES.get(attribute(node, "to", 0))
    if kind is None:
        raise ValueError("a conversion to numbers of an unknown kind")
    return _first(inputs).to(torch.float32 if kind in _HALVES else kind)


def _clip(node: Node, inputs: Inputs) -> Tensor:
    lowest, highest = (*inputs[1:], None, None)[:2]
    low, high = node.attributes.get("min"), node.attributes.get("max")
    return torch.clamp(
        _first(inputs), low if lowest is None else lowest, high if highest is None else highest  # type: ignore[arg-type]
    )  # fmt: skip


def _split(node: Node, inputs: Inputs) -> tuple[Tensor, ...]:
    x, axis = _first(inputs), attribute(node, "axis", 0)
    sides = listed(node, inputs, "split", 1)
    return tuple(x.split(sides, axis) if sides else x.chunk(len(node.outputs), axis))


def _joined(node: Node, inputs: Inputs) -> Tensor:
    return torch.cat([each for each in inputs if each is not None], attribute(node, "axis", 0))


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "Abs": _one(torch.abs),
        "Add": _two(torch.add),
        "Cast": _cast,
        "Clip": _clip,
        "Concat": _joined,
        "Constant": _constant,
        "ConstantOfShape": _filled,
        "Conv": _conv,
        "ConvTranspose": _conv_transpose,
        "Div": _two(_divided),
        "Equal": _two(torch.eq),
        "Expand": _expand,
        "Flatten": _flatten,
        "Gather": _gather,
        "Gemm": _gemm,
        "Identity": _one(lambda x: x),
        "LeakyRelu": lambda node, inputs: F.leaky_relu(_first(inputs), attribute(node, "alpha", 0.01)),
        "MatMul": _two(torch.matmul),
        "Max": _two(torch.maximum),
        "Min": _two(torch.minimum),
        "Mul": _two(torch.mul),
        "Neg": _one(torch.neg),
        "Pad": _pad,
        "Pow": _two(torch.pow),
        "Range": lambda node, inputs: torch.arange(*(known_ints(each)[0] for each in inputs)),
        "Reciprocal": _one(torch.reciprocal),
        "ReduceL2": _reduce(lambda x, axes, keep: x.square().sum(axes, keep).sqrt()),
        "ReduceMax": _reduce(lambda x, axes, keep: x.amax(axes, keep)),
        "ReduceMean": _reduce(lambda x, axes, keep: x.mean(axes, keep)),
        "ReduceProd": _reduce(lambda x, axes, keep: x.prod() if x.dim() < 2 else x.prod(axes[0], keep)),
        "ReduceSum": _reduce(lambda x, axes, keep: x.sum(axes, keep)),
        "ReduceSumSquare": _reduce(lambda x, axes, keep: x.square().sum(axes, keep)),
        "Reshape": _reshape,
        "Shape": lambda node, inputs: torch.tensor(_first(inputs).shape, dtype=torch.int64),
        "Size": lambda node, inputs: torch.tensor(_first(inputs).numel()),
        "Slice": _slice,
        "Split": _split,
        "Sqrt": _one(torch.sqrt),
        "Squeeze": _squeeze,
        "Sub": _two(torch.sub),
        "Tile": lambda node, inputs: _first(inputs).repeat(known_ints(inputs[1])),
        "Transpose": lambda node, inputs: _first(inputs).permute(
            attribute(node, "perm", tuple(reversed(range(_first(inputs).dim()))))
        ),
        "Unsqueeze": _unsqueeze,
        "Where": lambda node, inputs: torch.where(*inputs),  # type: ignore[arg-type]
    }
)

"""ONNX's operations on torch tensors: those that exported GPEN networks consist of.

For two purposes: to compute what is constant in a graph, whatever an exporter left unfolded, and to know every map's shape, by
running the rest on torch's meta device. Numbers that say *how* (shapes, axes, pads) must be known; float16 is computed in
float32. What an operation means is ONNX's specification, opset 9 to 23.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from ...weights.onnx_file import Node
from ...weights.onnx_file.tensors import TYPES
from .given import HALVES, Inputs, Operation, attribute, first_of, known_ints, listed
from .shaping import expand, flatten, gather, joined, pad, reshape, sliced, split, squeeze, unsqueeze


def _two(compute: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    def run(node: Node, inputs: Inputs) -> Tensor:
        a, b = inputs
        if a is None or b is None:
            raise ValueError("an input is missing")
        return compute(a, b)

    return run


def _one(compute: Callable[[Tensor], Tensor]) -> Operation:
    return lambda node, inputs: compute(first_of(inputs))


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


def _reduce(compute: Callable[[Tensor, list[int], bool], Tensor]) -> Operation:
    def run(node: Node, inputs: Inputs) -> Tensor:
        x, axes = first_of(inputs), listed(node, inputs, "axes", 1)
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
    return first_of(inputs).to(torch.float32 if kind in HALVES else kind)


def _clip(node: Node, inputs: Inputs) -> Tensor:
    lowest, highest = (*inputs[1:], None, None)[:2]
    low, high = node.attributes.get("min"), node.attributes.get("max")
    return torch.clamp(
        first_of(inputs), low if lowest is None else lowest, high if highest is None else highest  # type: ignore[arg-type]
    )  # fmt: skip


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "Abs": _one(torch.abs),
        "Add": _two(torch.add),
        "Cast": _cast,
        "Clip": _clip,
        "Concat": joined,
        "Constant": _constant,
        "ConstantOfShape": _filled,
        "Conv": _conv,
        "ConvTranspose": _conv_transpose,
        "Div": _two(_divided),
        "Equal": _two(torch.eq),
        "Expand": expand,
        "Flatten": flatten,
        "Gather": gather,
        "Gemm": _gemm,
        "Identity": _one(lambda x: x),
        "LeakyRelu": lambda node, inputs: F.leaky_relu(first_of(inputs), attribute(node, "alpha", 0.01)),
        "MatMul": _two(torch.matmul),
        "Max": _two(torch.maximum),
        "Min": _two(torch.minimum),
        "Mul": _two(torch.mul),
        "Neg": _one(torch.neg),
        "Pad": pad,
        "Pow": _two(torch.pow),
        "Range": lambda node, inputs: torch.arange(*(known_ints(each)[0] for each in inputs)),
        "Reciprocal": _one(torch.reciprocal),
        "ReduceL2": _reduce(lambda x, axes, keep: x.square().sum(axes, keep).sqrt()),
        "ReduceMax": _reduce(lambda x, axes, keep: x.amax(axes, keep)),
        "ReduceMean": _reduce(lambda x, axes, keep: x.mean(axes, keep)),
        "ReduceProd": _reduce(lambda x, axes, keep: x.prod() if x.dim() < 2 else x.prod(axes[0], keep)),
        "ReduceSum": _reduce(lambda x, axes, keep: x.sum(axes, keep)),
        "ReduceSumSquare": _reduce(lambda x, axes, keep: x.square().sum(axes, keep)),
        "Reshape": reshape,
        "Shape": lambda node, inputs: torch.tensor(first_of(inputs).shape, dtype=torch.int64),
        "Size": lambda node, inputs: torch.tensor(first_of(inputs).numel()),
        "Slice": sliced,
        "Split": split,
        "Sqrt": _one(torch.sqrt),
        "Squeeze": squeeze,
        "Sub": _two(torch.sub),
        "Tile": lambda node, inputs: first_of(inputs).repeat(known_ints(inputs[1])),
        "Transpose": lambda node, inputs: first_of(inputs).permute(
            attribute(node, "perm", tuple(reversed(range(first_of(inputs).dim()))))
        ),
        "Unsqueeze": unsqueeze,
        "Where": lambda node, inputs: torch.where(*inputs),  # type: ignore[arg-type]
    }
)

"""A graph followed from picture to picture: what each value is in a GPEN network's terms.

Constants are computed, whatever the exporter left unfolded. Of what depends on the picture, shapes are computed, and it is
noted which layer made it and by what it was scaled and shifted since. Reshaping, padding and slicing change nothing of that.
Nothing is proved so: whether the network that comes of it is the graph's is seen by running both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from ...model.ops import LEAKY_SLOPE, fir_kernel
from ...weights.onnx_file import Graph, Node
from .ops import OPERATIONS, attribute, known_ints, widened
from .values import (
    Activation,
    Conv,
    Energy,
    Factor,
    Filters,
    Fir,
    Linear,
    Map,
    Norm,
    NotReadable,
    Part,
    Picture,
    Start,
    Sum,
    Value,
    origin_part,
)

# Elements. A GPEN network of 2048 px has maps of 2**28, and weights of 2**23 that are stored in up to four forms.
_LARGEST = 1 << 29
_LARGEST_CONSTANT = 1 << 26
_ALL_CONSTANTS = 1 << 30
_KEPT = (
    "Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Pad", "Slice", "Expand", "Tile", "Transpose", "Gather",
    "Clip",
)  # fmt: skip
# Of their inputs after the first, the numbers matter and not only the shapes.
_READ = ("Reshape", "Squeeze", "Unsqueeze", "Slice", "Pad", "Gather", "Expand", "Tile", "Split", "Clip")
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


class Trace:
    """``value`` of every name, and ``shapes``: meta tensors of those that depend on the picture."""

    def __init__(self, graph: Graph, entry: str, size: int) -> None:
        self._graph = graph
        self._values: dict[str, Value] = {entry: origin_part(Picture(), 3)}
        self._shapes: dict[str, Tensor] = {entry: torch.empty(1, 3, size, size, device="meta")}
        self._computed = 0
        self._last = {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}

    def result(self, name: str) -> Map:
        """What the graph's output ``name`` is. Raises NotReadable with the first operation that is not a GPEN network's."""
        self._last[name] = len(self._graph.nodes)
        for index, node in enumerate(self._graph.nodes):
            try:
                self._follow(node)
            except (ValueError, TypeError, IndexError, RuntimeError, AssertionError) as error:
                raise NotReadable(f"its operation {node.kind} '{node.name:.60}' could not be followed") from error
            for done in {*node.inputs, *node.outputs}:
                if self._last.get(done, -1) <= index:
                    self._values.pop(done, None)
                    self._shapes.pop(done, None)
        value = self._values.get(name)
        if not isinstance(value, Map):
            raise NotReadable("what it yields does not depend on the picture")
        return value

    def _follow(self, node: Node) -> None:
        if node.kind not in OPERATIONS or node.domain not in ("", "ai.onnx"):
            raise NotReadable(f"it has the operation {node.kind:.40}, which no GPEN network exports")
        values = [self._value(name) for name in node.inputs]
        known = [value for value in values if isinstance(value, Tensor)]
        if node.kind == "Shape" or len(known) == sum(value is not None for value in values):
            self._compute(node, [self._shapes.get(name, value) for name, value in zip(node.inputs, values)])  # type: ignore[misc]
            return
        self._shape(node, values)
        made = _interpreted(
            node, values, [self._shapes.get(name) for name in node.inputs], self._shapes[node.outputs[0]]
        )
        self._values[node.outputs[0]] = made

    def _value(self, name: str) -> Value | None:
        if not name:
            return None
        if name in self._values:
            return self._values[name]
        if name not in self._graph.constants:
            raise NotReadable(f"'{name:.60}' is used before it is made")
        stored = self._graph.constants[name]
        if stored is None:
            raise NotReadable(f"'{name:.60}' holds numbers of a kind that no GPEN network has")
        if stored.count > _LARGEST_CONSTANT:
            raise NotReadable(f"'{name:.60}' is larger than any weight of a GPEN network")
        self._values[name] = widened(stored.tensor())
        return self._values[name]

    def _compute(self, node: Node, inputs: list[Tensor | None]) -> None:
        """What is constant."""
        self._computed += _elements(node, inputs)
        if self._computed > _ALL_CONSTANTS:
            raise NotReadable("it makes more of its weights than any GPEN network")
        made = OPERATIONS[node.kind](node, inputs)
        for name, result in zip(node.outputs, made if isinstance(made, tuple) else (made,)):
            self._values[name] = widened(result)

    def _shape(self, node: Node, values: list[Value | None]) -> None:
        """What is not: its shape."""
        inputs = [
            self._shapes[name] if name in self._shapes
            else value.to("meta") if isinstance(value, Tensor) and value.is_floating_point()
            else value
            for name, value in zip(node.inputs, values)
        ]  # fmt: skip
        made = OPERATIONS[node.kind](node, inputs)  # type: ignore[arg-type]
        for name, result in zip(node.outputs, made if isinstance(made, tuple) else (made,)):
            if result.numel() > _LARGEST:
                raise NotReadable(
                    f"its operation {node.kind} '{node.name:.60}' makes a map larger than any of a GPEN network"
                )
            self._shapes[name] = result


def _elements(node: Node, inputs: list[Tensor | None]) -> int:
    """How many numbers an operation will make of constants, found out before they are made. Raises NotReadable for too many."""
    if node.kind == "Range":
        count = max((abs(int(each)) for each in inputs if each is not None and not each.is_meta), default=0)
    elif node.kind == "ConstantOfShape":
        count = torch.Size(known_ints(inputs[0])).numel()
    elif node.kind in ("Constant", "Shape", "Size") or node.kind.startswith("Reduce"):
        return 1
    else:
        shapes = [
            each if each is None or (index and node.kind in _READ) else each.to("meta")
            for index, each in enumerate(inputs)
        ]
        made = OPERATIONS[node.kind](node, shapes)
        count = sum(each.numel() for each in (made if isinstance(made, tuple) else (made,)))
    if count > _LARGEST_CONSTANT:
        raise NotReadable(f"its operation {node.kind} '{node.name:.60}' makes a constant larger than any weight")
    return count


def _interpreted(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    """What the node makes, of which ``made`` has the shape."""
    first = next(value for value in values if value is not None and not isinstance(value, Tensor))
    if node.kind in _RULES:
        return _RULES[node.kind](node, values, shapes, made)
    if node.kind in _KEPT:
        return first
    if node.kind in _OF_ENERGY:
        return Energy()
    raise NotReadable(f"it has the operation {node.kind:.40} where no GPEN network has it")


def _factor(constant: Tensor, made: Tensor, channels: int) -> Factor:
    """A constant that is added, or multiplied, as one number or one for each channel."""
    if constant.numel() == 1:
        return float(constant)
    axis = 1 if made.dim() == 4 else made.dim() - 1
    sides = [1] * (made.dim() - constant.dim()) + list(constant.shape)
    if constant.numel() != channels or sides[axis] != channels:
        raise NotReadable(f"a constant of shape {list(constant.shape)} is applied to a map of {channels} channels")
    return constant.reshape(-1)


def _add(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    a, b = values
    sign = -1.0 if node.kind == "Sub" else 1.0
    if isinstance(a, Energy) or isinstance(b, Energy):
        return Energy()
    if isinstance(a, Map) and isinstance(b, Tensor):
        return a.plus(sign * _factor(b, made, a.channels))
    if isinstance(b, Map) and isinstance(a, Tensor) and sign > 0:
        return b.plus(_factor(a, made, b.channels))
    if isinstance(a, Map) and isinstance(b, Map) and sign > 0:
        return origin_part(Sum(a, b), a.channels)
    raise NotReadable(f"it has the operation {node.kind} where no GPEN network has it")


def _multiply(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    a, b = values
    if a is b:
        return Energy()
    if isinstance(a, Tensor) or (isinstance(a, Energy) and not isinstance(b, Tensor)):
        a, b = b, a
    if isinstance(a, Energy):
        if isinstance(b, Energy):
            return Energy(a.gain * b.gain)
        return Energy(a.gain * float(b)) if isinstance(b, Tensor) and b.numel() == 1 else a
    if isinstance(b, Energy):
        return _demodulated(a, b, made)
    if isinstance(a, Filters) and isinstance(b, Tensor) and b.numel() == 1:
        return Filters(a.weight * float(b), a.style)
    if isinstance(a, Map) and isinstance(b, Tensor):
        return _scaled(a, b, made)
    if isinstance(a, Map) and isinstance(b, Map):
        return _styled(a, b, shapes)
    raise NotReadable("it multiplies what no GPEN network multiplies")


def _demodulated(a: Value | None, energy: Energy, made: Tensor) -> Value:
    if isinstance(a, Filters):
        return Filters(a.weight * energy.gain, a.style) if energy.gain != 1 else a
    if isinstance(a, Map) and made.dim() == 2:
        return origin_part(Norm(a), a.channels)
    if isinstance(a, Map):
        return a.times(energy.gain)
    raise NotReadable("it divides what no GPEN network divides")


def _scaled(a: Map, constant: Tensor, made: Tensor) -> Value:
    """By a constant; or a constant, filters or the generator's start, by a style."""
    if constant.dim() == 5 and constant.numel() > a.channels:
        return Filters(constant, a)
    if constant.dim() == 4 and constant.shape[-1] > 1:
        return Map((Part(Start(constant), a.channels, by=a),))
    return a.times(_factor(constant, made, a.channels))


def _styled(a: Map, b: Map, shapes: list[Tensor | None]) -> Map:
    """A map whose channels a style scales: the one of them that is a pixel large is the style."""
    if shapes[0] is not None and shapes[0].shape[-1] == 1:
        a, b = b, a
    return Map(tuple(_by(part, b) for part in a.parts))


def _by(part: Part, style: Map) -> Part:
    if part.by is not None:
        raise NotReadable("it scales a map by two styles")
    return Part(part.origin, part.channels, part.scale, part.shift, style)


def _divide(node: Node, values: list[Value | None], shapes: list[Tensor | None], made: Tensor) -> Value:
    a, b = values
    if isinstance(b, Tensor) and a is not None:
        return _multiply(node, [a, 1 / b], shapes, made)
    if isinstance(b, Energy):
        return Energy(float(a)) if isinstance(a, Tensor) else _multiply(node, [a, Energy()], shapes, made)
    raise NotReadable("it divides by what no GPEN network divides by")


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
        result = result.plus(_factor(bias * attribute(node, "beta", 1.0), made, len(weight)))
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
    return result if bias is None else result.plus(_factor(bias, made, 0) if bias.numel() == 1 else bias)  # type: ignore[arg-type, union-attr]


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
        "Mul": _multiply,
        "Div": _divide,
        "Pow": _power,
        "Concat": _join,
        "LeakyRelu": _activate,
        "Gemm": _linear,
        "MatMul": _linear,
        "Conv": _convolve,
        "ConvTranspose": _convolve,
    }
)

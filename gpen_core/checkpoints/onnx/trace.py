"""A graph followed from picture to picture: what each value is in a GPEN network's terms.

Constants are computed, whatever the exporter left unfolded. Of what depends on the picture, shapes are computed, and it is
noted which layer made it and by what it was scaled and shifted since. Reshaping, padding and slicing change nothing of that.
Nothing is proved so: whether the network that comes of it is the graph's is seen by running both.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...weights.onnx_file import Graph, Node
from .given import known_ints, widened
from .ops import OPERATIONS
from .rules import interpreted
from .values import Map, NotReadable, Picture, Value, origin_part

# Elements. A GPEN network of 2048 px has maps of 2**28, and weights of 2**23 that are stored in up to four forms.
_LARGEST = 1 << 29
_LARGEST_CONSTANT = 1 << 26
_ALL_CONSTANTS = 1 << 30
# Of their inputs after the first, the numbers matter and not only the shapes.
_READ = ("Reshape", "Squeeze", "Unsqueeze", "Slice", "Pad", "Gather", "Expand", "Tile", "Split", "Clip")


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
            self._compute(node, [self._shapes.get(name, value) for name, value in zip(node.inputs, values)])  # type: ignore[arg-type]
            return
        self._shape(node, values)
        made = interpreted(
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

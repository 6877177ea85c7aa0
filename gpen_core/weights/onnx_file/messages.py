"""A graph's messages: its nodes with their attributes, and what goes in and comes out."""

from __future__ import annotations

from ..malformed import Refused
from .graph import Attribute, Node, Port
from .tensors import DataFiles, read_tensor
from .wire import Value, as_bytes, as_float, as_int, as_text, fields, ints_of

STANDARD = ("", "ai.onnx")
_ALSO_BUILT_IN = ("com.microsoft",)  # ONNX Runtime's own, part of the library itself
_MOST_DIMENSIONS = 8


def read_node(message: memoryview, files: DataFiles) -> Node:
    """One operation. Raises Refused for one that is not built in."""
    kind = name = domain = ""
    inputs, outputs = list[str](), list[str]()
    attributes: dict[str, Attribute] = {}
    for number, value in fields(message):
        if number == 1:
            inputs.append(as_text(value))
        elif number == 2:
            outputs.append(as_text(value))
        elif number == 3:
            name = as_text(value)
        elif number == 4:
            kind = as_text(value)
        elif number == 5:
            attributes.update([_attribute(as_bytes(value), files)])
        elif number == 7:
            domain = as_text(value)
    if domain not in (*STANDARD, *_ALSO_BUILT_IN):
        raise Refused(
            f"it has the operation {domain:.40}::{kind:.40}, which is not ONNX's own and would need somebody's code."
        )
    return Node(kind, tuple(inputs), tuple(outputs), attributes, name, domain)


def _attribute(message: memoryview, files: DataFiles) -> tuple[str, Attribute]:
    name = ""
    single: Attribute = None
    numbers, floats = list[int](), list[float]()
    for number, value in fields(message):
        if number == 1:
            name = as_text(value)
        elif number == 2:
            single = as_float(value)
        elif number == 3:
            single = as_int(value)
        elif number == 4:
            single = bytes(as_bytes(value)[: 1 << 16]).decode(errors="replace")
        elif number == 5:
            stored = read_tensor(value, files)[1]
            single = None if stored is None else stored.tensor()
        elif number == 7:
            raw = as_bytes(value)
            floats += [as_float(raw[start : start + 4]) for start in range(0, len(raw), 4)]
        elif number == 8:
            numbers += ints_of(value)
        elif number in (6, 11):
            raise Refused("it has branches or loops, which no GPEN network has.")
    return name, single if single is not None else tuple(numbers) or tuple(floats)


def read_port(message: Value) -> Port:
    """An input or output of the graph."""
    name, kind, shape = "", 0, None
    for number, value in fields(as_bytes(message)):
        if number == 1:
            name = as_text(value)
        elif number == 2:
            for inner, tensor in fields(as_bytes(value)):
                if inner == 1:
                    kind, shape = _tensor_type(as_bytes(tensor))
    return Port(name, kind, shape)


def _tensor_type(message: memoryview) -> tuple[int, tuple[int, ...] | None]:
    kind, shape = 0, None
    for number, value in fields(message):
        if number == 1:
            kind = as_int(value)
        elif number == 2:
            dims = [_side(side) for inner, side in fields(as_bytes(value)) if inner == 1]
            shape = tuple(dims[: _MOST_DIMENSIONS + 1])
    return kind, shape


def _side(message: Value) -> int:
    """A dimension: its size, or -1 where it has a name or nothing."""
    sizes = [as_int(value) for number, value in fields(as_bytes(message)) if number == 1]
    return sizes[0] if sizes and sizes[0] > 0 else -1

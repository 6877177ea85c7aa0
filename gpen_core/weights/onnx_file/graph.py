"""A graph as its file describes it: nodes in the order in which they run, constants, what goes in and comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from pathlib import Path

from torch import Tensor

from ...errors import CheckpointError
from ..malformed import Malformed, Refused
from ..regular import opened
from .tensors import DataFiles, Stored, pair, read_tensor, view_of
from .wire import Value, as_bytes, as_float, as_int, as_text, fields, ints_of

_MOST_NODES = 50_000  # a GPEN network of 2048 px, exported without folding, has some 5,000
_MOST_DIMENSIONS = 8
STANDARD = ("", "ai.onnx")
_ALSO_BUILT_IN = ("com.microsoft",)  # ONNX Runtime's own, part of the library itself

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


def looks_like_onnx(path: Path) -> bool:
    """Whether a file begins as ONNX files do: with the version of the format, then a field of a model's first few."""
    if not path.is_file():  # a FIFO may block for ever
        return False
    try:
        with path.open("rb") as file:
            head = file.read(3)
    except OSError:
        return False
    return len(head) == 3 and head[0] == 0x08 and head[1] < 0x40 and head[2] in b'\x12\x1a"(2:B'


def read_graph(path: str | Path) -> Graph:
    """Read an ONNX file.

    Args:
        path: A regular file, or a link to one. Weights outside of it are read from its own folder only.

    Raises:
        CheckpointError: It is damaged, claims more than it holds, reaches out of its folder, or has operations that are not
            ONNX's own.
    """
    path = Path(path)
    try:
        with opened(path) as file:
            if file is None:
                raise Refused("the file is empty. Download it again from its official source.")
            return _model(view_of(file), DataFiles(path), path)
    except Refused as error:
        raise CheckpointError(f"{path.name}: {error}") from error
    except Malformed as error:
        raise CheckpointError(
            f"{path.name}: the file is damaged or cut short ({error}). Download it again from its official source."
        ) from error


def _model(message: memoryview, files: DataFiles, path: Path) -> Graph:
    opset, producer, graph = 0, "", None
    metadata: dict[str, str] = {}
    for number, value in fields(message):
        if number == 2:
            producer = as_text(value)
        elif number == 7:
            graph = as_bytes(value)
        elif number == 8:
            domain, version = _operators(value)
            opset = version if domain in STANDARD else opset
        elif number == 14:
            metadata.update([pair(value)])
        elif number == 25:
            raise Refused("it has functions of its own. Export it again, as plain ONNX operations.")
    if graph is None:
        raise Malformed("it holds no graph")
    nodes, constants, inputs, outputs = _graph(graph, files)
    return Graph(nodes, constants, inputs, outputs, opset, (path, *files.paths), producer, metadata)


def _operators(message: Value) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in fields(as_bytes(message)):
        if number == 1:
            domain = as_text(value)
        elif number == 2:
            version = as_int(value)
    return domain, version


def _graph(
    message: memoryview, files: DataFiles
) -> tuple[tuple[Node, ...], dict[str, Stored | None], tuple[Port, ...], tuple[Port, ...]]:
    nodes, inputs, outputs = list[Node](), list[Port](), list[Port]()
    constants: dict[str, Stored | None] = {}
    for number, value in fields(message):
        if number == 1:
            nodes.append(_node(as_bytes(value), files))
            if len(nodes) > _MOST_NODES:
                raise Refused(f"it has more than {_MOST_NODES:,} operations, which no GPEN network has.")
        elif number == 5:
            constants.update([read_tensor(value, files)])
        elif number == 11:
            inputs.append(_port(value))
        elif number == 12:
            outputs.append(_port(value))
        elif number == 15:
            raise Refused("it has sparse weights, which no GPEN network has.")
    real = tuple(port for port in inputs if port.name not in constants)  # old files list their weights as inputs
    return _ordered(nodes), constants, real, tuple(outputs)


def _ordered(nodes: list[Node]) -> tuple[Node, ...]:
    """Each after what it needs, else as they are (converters to float16 append theirs). Raises Malformed for a ring."""
    maker = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    needs = [{maker[name] for name in node.inputs if name in maker} for node in nodes]
    if all(max(need, default=-1) < index for index, need in enumerate(needs)):
        return tuple(nodes)
    users: dict[int, list[int]] = {}
    for index, need in enumerate(needs):
        for each in need:
            users.setdefault(each, []).append(index)
    waiting = [len(need) for need in needs]
    ready = [index for index, count in enumerate(waiting) if not count]
    heapify(ready)
    order = list[Node]()
    while ready:
        index = heappop(ready)
        order.append(nodes[index])
        for user in users.get(index, ()):
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, user)
    if len(order) < len(nodes):
        raise Malformed("its operations wait for each other")
    return tuple(order)


def _node(message: memoryview, files: DataFiles) -> Node:
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


def _port(message: Value) -> Port:
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

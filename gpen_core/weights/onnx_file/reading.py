"""An ONNX file, read into a ``Graph``."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from pathlib import Path

from ...errors import CheckpointError
from ..malformed import Malformed, Refused
from ..regular import opened
from .graph import Graph, Node, Port
from .messages import STANDARD, read_node, read_port
from .tensors import DataFiles, Stored, pair, read_tensor, view_of
from .wire import Value, as_bytes, as_int, as_text, fields

_MOST_NODES = 50_000  # a GPEN network of 2048 px, exported without folding, has some 5,000


def looks_like_onnx(path: Path) -> bool:
    """Whether a file begins as ONNX files do: with the version of the format, then a field of a model's first few."""
    try:
        if not path.is_file():  # a FIFO may block for ever
            return False
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
            nodes.append(read_node(as_bytes(value), files))
            if len(nodes) > _MOST_NODES:
                raise Refused(f"it has more than {_MOST_NODES:,} operations, which no GPEN network has.")
        elif number == 5:
            constants.update([read_tensor(value, files)])
        elif number == 11:
            inputs.append(read_port(value))
        elif number == 12:
            outputs.append(read_port(value))
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

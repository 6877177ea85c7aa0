"""Whether a network that was read out of a graph computes what the graph computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ...engines.onnx_runtime import Convention, Ends, is_installed, open_session, run
from ...model import Gpen
from ...weights.onnx_file import Graph
from .given import widened
from .ops import OPERATIONS
from .probing import probe_face
from .values import NotReadable

TOLERANCE = 1e-3  # of a picture in [0, 1], or of the largest value that comes out, where that is more
_FLOAT16 = 10  # TensorProto.DataType
_CLAMPS = ("Clip", "Min", "Max")

Run = Callable[[Tensor], Tensor]


@torch.inference_mode()
def difference(path: Path, graph: Graph, ends: Ends, network: Gpen, conventions: Sequence[Convention]) -> float:
    """The largest difference of any pixel, relative to [0, 1], for a face in noise, in the best of ``conventions``.

    ``graph`` runs in ONNX Runtime where that is installed and computes in float32, else in our own operations, in float32.
    """
    compute = graph_runner(path, graph, ends)
    clamps = any(node.kind in _CLAMPS for node in graph.nodes[-8:])
    face = probe_face(ends.size)
    crop = (face + torch.rand(face.shape, generator=torch.Generator().manual_seed(0))) / 2
    made = network(crop * 2 - 1).add(1).div(2)
    best = float("inf")
    for convention in conventions:
        wanted = convention.out_of(compute(convention.into(crop)))
        best = min(best, _apart(made, wanted, clamps=clamps))
        if best <= TOLERANCE:
            break
    return best


def graph_runner(path: Path, graph: Graph, ends: Ends) -> Run:
    """[1, 3, S, S] in the graph's convention → what it yields, in float32."""
    if not is_installed() or is_half(graph):
        return lambda pictures: run_here(graph, ends, pictures)
    session = open_session(path, torch.device("cpu"))
    return lambda pictures: run(session, ends, pictures)


def is_half(graph: Graph) -> bool:
    """Whether weights are float16: engines then compute in it, and differ from float32 by more than is looked for."""
    return any(stored is not None and stored.dtype == torch.float16 for stored in graph.constants.values())


def run_here(graph: Graph, ends: Ends, pictures: Tensor) -> Tensor:
    """The graph, node by node, in float32. Raises NotReadable for an operation that we do not have."""
    values = {ends.entry: pictures}
    last = {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}
    last[ends.result] = len(graph.nodes)
    for index, node in enumerate(graph.nodes):
        if node.kind not in OPERATIONS:
            raise NotReadable(f"it has the operation {node.kind:.40}")
        made = OPERATIONS[node.kind](node, [_taken(graph, values, name) for name in node.inputs])
        for name, result in zip(node.outputs, made if isinstance(made, tuple) else (made,)):
            values[name] = widened(result)
        for name in node.inputs:
            if last[name] <= index:
                values.pop(name, None)
    return values[ends.result]


def _taken(graph: Graph, values: dict[str, Tensor], name: str) -> Tensor | None:
    if name in values or not name:
        return values.get(name)
    stored = graph.constants.get(name)
    return None if stored is None else widened(stored.tensor())


def _apart(made: Tensor, wanted: Tensor, *, clamps: bool) -> float:
    if made.shape != wanted.shape:
        return float("inf")
    if clamps:
        made, wanted = made.clamp(0, 1), wanted.clamp(0, 1)
    return float((made - wanted).abs().max() / max(1.0, float(wanted.abs().max())))

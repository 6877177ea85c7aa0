"""From an ONNX file to a model."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import Tensor

from ...engines import engine_of
from ...engines.onnx import OnnxNetwork
from ...engines.onnx_runtime import Convention, Ends, check_installed, open_session, run
from ...errors import CheckpointError
from ...weights.onnx_file import Graph, read_graph
from ..load import model_of, task_of
from ..model import GpenModel
from .ends import checked, ends_of
from .probing import convention_of
from .read import read_weights
from .values import NotReadable

_log = logging.getLogger(__name__)
_OWN_RANGE, _OWN_ORDER = "gpen.value_range", "gpen.color_order"  # what ``export`` writes into a graph's metadata


def load_onnx(path: Path, device: torch.device, dtype: torch.dtype, task: str | None) -> GpenModel:
    """A model of what is in an ONNX file; see ``load_checkpoint``.

    Raises:
        CheckpointError: It is no graph of a face restorer, or how it wants its pictures cannot be found.
        MissingWeightsError: There is no ONNX Runtime.
    """
    graph = read_graph(path)
    try:
        return model_of(read_weights(path, graph, ends_of(graph, path), task), path.name, device, dtype)
    except NotReadable as error:
        model = graph_model(path, graph, device, task)
        _log.warning(
            "%s stays with ONNX Runtime, in its own precision, since its weights could not be read back: %s",
            path.name,
            error,
        )
        return model


def graph_model(path: Path, graph: Graph, device: torch.device, task: str | None) -> GpenModel:
    """A model whose network is the graph, run by ONNX Runtime."""
    check_installed(path.name)
    ends = _known(path, ends_of(graph, path))
    convention = _stated(graph) or _found(path, ends)
    held = sum(len(stored.raw) for stored in graph.constants.values() if stored is not None)
    meant = task_of(task, graph.metadata, path)
    network = OnnxNetwork(path, ends, convention, held, unshifted=meant.unshifted).to(device)
    _log.info("%s runs in ONNX Runtime (%s)", path.name, convention)
    return GpenModel(network.config, network, meant, path.name, engine_of(network, device, torch.float32))


def _known(path: Path, ends: Ends) -> Ends:
    """With the side of what comes out, which some files do not say."""
    if ends.output_size:
        return ends
    session = open_session(path, torch.device("cpu"))
    made = run(session, ends, torch.zeros(1, 3, ends.size, ends.size))
    if made.dim() != 4 or made.shape[1] != 3 or made.shape[2] != made.shape[3]:
        raise CheckpointError(f"{path.name}: it yields {list(made.shape)}; a picture [N, 3, S', S'] was expected.")
    return checked(ends, made.shape[-1], path.name)


def _stated(graph: Graph) -> Convention | None:
    """What a graph of our own says; None of others."""
    if (graph.metadata.get(_OWN_RANGE), graph.metadata.get(_OWN_ORDER)) == ("[0, 1]", "RGB"):
        return Convention(0.0, 1.0, 0.0, 1.0)
    return None


def _found(path: Path, ends: Ends) -> Convention:
    session = open_session(path, torch.device("cpu"))

    def restored(pictures: Tensor) -> Tensor:
        return run(session, ends, pictures)

    return convention_of(restored, ends.size, path.name)

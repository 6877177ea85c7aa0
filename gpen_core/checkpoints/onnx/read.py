"""The weights of an ONNX file, as of any other file of weights."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from ...engines.onnx_runtime import Ends
from ...errors import CheckpointError
from ...model import Gpen
from ...weights.onnx_file import Graph, read_graph
from ...weights.reading import read_checkpoint
from ..canonicalize import StateDict
from ..infer import check_state, config_of
from ..load import Generator, check_finite, task_of
from ..metadata import TASK_KEY
from .cache import SOURCE_TASK, cached_file, digest_of, keep, used
from .ends import ends_of
from .parity import TOLERANCE, difference
from .recover import Recovered, recover
from .values import NotReadable

_log = logging.getLogger(__name__)


def read_onnx(path: Path, task: str | None) -> Generator:
    """The generator in an ONNX file.

    Raises:
        CheckpointError: The file is refused, is no graph of pictures, or its weights cannot be read back; says why.
    """
    graph = read_graph(path)
    try:
        return read_weights(path, graph, ends_of(graph, path), task)
    except NotReadable as error:
        raise CheckpointError(
            f"{path.name}: an ONNX graph whose weights cannot be read back: {error}. It can restore, in ONNX Runtime, and "
            "nothing else. Use the .pth file of the same model."
        ) from error


def read_weights(path: Path, graph: Graph, ends: Ends, task: str | None) -> Generator:
    """The generator of which a graph was made: kept from an earlier time, or read back and compared. Raises NotReadable."""
    digest = digest_of(graph.files)
    kept = cached_file(path.name, digest)
    meant = task_of(task, graph.metadata, path)
    if (found := _kept(kept)) is not None:
        used(kept)
        return Generator(*found, meant)
    recovered = recover(graph, ends)
    _check(path, graph, ends, recovered)
    origin = {
        "gpen.source_name": path.name,
        "gpen.source_sha256": digest,
        SOURCE_TASK: graph.metadata.get(TASK_KEY, ""),
    }
    if keep(kept, recovered.network.config, recovered.state, origin):
        _log.info("%s: its weights were read back out of the graph and are kept as %s", path.name, kept)
    return Generator(recovered.network, recovered.state, meant)


def _kept(path: Path) -> tuple[Gpen, StateDict] | None:
    """What an earlier run kept; None where there is nothing, or something else."""
    if not path.is_file():
        return None
    try:
        raw = read_checkpoint(path)
        state = dict(raw.content)
        return check_state(state, config_of(state, raw.metadata, path.name), path.name), state
    except CheckpointError as error:
        _log.warning("%s is damaged, and is made again: %s", path, error)
        return None


def _check(path: Path, graph: Graph, ends: Ends, recovered: Recovered) -> None:
    """Raise NotReadable where the graph and the network do not agree."""
    try:
        check_finite(recovered.state, path.name)
    except CheckpointError as error:
        raise NotReadable(str(error)) from error
    network = recovered.network.requires_grad_(False).eval()
    network.load_state_dict(recovered.state, strict=True, assign=True)
    orders = (recovered.convention, replace(recovered.convention, is_bgr=True))
    found = difference(path, graph, ends, network, orders)
    if not found <= TOLERANCE:
        raise NotReadable(f"the network read out of it differs from it by {found:.1e}, more than {TOLERANCE:.0e}")

"""The network of which a graph was made, read back out of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...engines.onnx_runtime import Convention, Ends
from ...errors import CheckpointError, OptionError
from ...model import Gpen
from ...weights.onnx_file import Graph
from ..canonicalize import StateDict
from ..infer import check_shapes
from ..shapes import shapes_only
from .extract import config_of, extract
from .gathered import Weights
from .trace import Trace
from .values import NotReadable, Part


@dataclass(frozen=True, eq=False)
class Recovered:
    """A network without memory, its weights, and the convention in which the graph has it, where pictures are [-1, 1] to it."""

    network: Gpen
    state: StateDict
    convention: Convention


@torch.no_grad()
def recover(graph: Graph, ends: Ends) -> Recovered:
    """Read the network's weights back out of a graph.

    Args:
        graph: Any.
        ends: Its picture input and output.

    Returns:
        A network that should compute what the graph computes. Whether it does has yet to be seen.

    Raises:
        NotReadable: The graph is no GPEN network of the published family, or is written in another way than exporters and
            simplifiers known to us write it.
    """
    try:
        weights = extract(Trace(graph, ends.entry, ends.size).result(ends.result))
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError, RuntimeError) as error:
        raise NotReadable("its layers are put together in another way than a GPEN network's") from error
    try:
        config = config_of(weights, ends.size)
        with shapes_only():
            network = Gpen(config)
    except OptionError as error:
        raise NotReadable(f"its layers are of no GPEN network: {error}") from error
    if ends.output_size and config.output_size != ends.output_size:
        raise NotReadable(f"its layers make {config.output_size} px, and its output has {ends.output_size}")
    kernels = {key: value for key, value in network.state_dict().items() if key.endswith(".kernel")}
    state = {key: value.clone().contiguous() for key, value in {**kernels, **weights.state}.items()}
    try:
        check_shapes(state, network, f"GPEN-{config.output_size} generator", "the graph")
    except CheckpointError as error:
        raise NotReadable(str(error)) from error
    return Recovered(network, state, _convention(weights))


def _convention(weights: Weights) -> Convention:
    """What goes in is scaled and shifted before the network, what comes out after it."""
    scale, shift = _number(weights.pictures, "scale"), _number(weights.pictures, "shift")
    scale_out, shift_out = _number(weights.result, "scale"), _number(weights.result, "shift")
    if not scale or not scale_out:
        raise NotReadable("its pictures are scaled to nothing")
    lowest, highest = (round((value - shift) / scale, 4) for value in (-1.0, 1.0))
    lowest_out, highest_out = (round(value * scale_out + shift_out, 4) for value in (-1.0, 1.0))
    return Convention(lowest, highest, lowest_out, highest_out)


def _number(part: Part, name: str) -> float:
    value = getattr(part, name)
    if isinstance(value, Tensor):
        raise NotReadable("its colors are scaled or shifted each by a number of its own")
    return float(value)

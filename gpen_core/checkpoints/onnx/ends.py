"""Which of a graph's inputs takes the picture, and which of its outputs gives it back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...engines.onnx_runtime import Ends
from ...errors import CheckpointError
from ...weights.onnx_file import Graph, Port

_FLOATS = (1, 10)  # TensorProto.DataType: FLOAT, FLOAT16
_LARGEST = 4096  # px


def ends_of(graph: Graph, path: Path) -> Ends:
    """The graph's ends: one picture [N, 3, S, S] goes in, one [N, 3, S', S'] comes out.

    Raises CheckpointError with what is there instead.

    What else comes out (the authors' own export yields the style code, too) is left alone. Where the file does not say S', it
    is 0.
    """
    name = path.name
    if len(graph.inputs) != 1:
        wanted = ", ".join(port.name for port in graph.inputs) or "none"
        raise CheckpointError(
            f"{name}: takes {len(graph.inputs)} inputs ({wanted:.80}); a GPEN graph takes one picture."
        )
    entry = graph.inputs[0]
    size = _side(entry)
    if not size:
        raise CheckpointError(
            f"{name}: its input is {_shown(entry)}; [N, 3, S, S] in float32 or float16, S known, was expected."
        )
    pictures = [(port, side) for port in graph.outputs if (side := _side(port)) >= size or _may_be(port)]
    if not pictures:
        found = ", ".join(map(_shown, graph.outputs[:3])) or "nothing"
        raise CheckpointError(
            f"{name}: it yields {found}; a picture [N, 3, S', S'] of at least {size} px was expected."
        )
    result, output_size = pictures[0]
    batch = max(entry.shape[0], 0) if entry.shape else 0
    ends = Ends(entry.name, result.name, size, output_size, batch)
    return checked(ends, output_size, name) if output_size else ends


def checked(ends: Ends, output_size: int, name: str) -> Ends:
    """The ends with the side of what comes out. Raises CheckpointError for one that is no multiple of what goes in."""
    scale = output_size // ends.size
    if not scale or output_size != scale * ends.size or scale & (scale - 1):
        raise CheckpointError(
            f"{name}: makes {output_size} px of {ends.size} px; 1, 2, 4, … times the size was expected."
        )
    return replace(ends, output_size=output_size)


def _side(port: Port) -> int:
    """The side of the square RGB pictures that it takes or gives; 0 where they are none."""
    shape = port.shape
    if shape is None or len(shape) != 4 or port.kind not in _FLOATS or shape[1] != 3 or shape[2] != shape[3]:
        return 0
    side = shape[2]
    return side if 16 <= side <= _LARGEST and not side & (side - 1) else 0


def _may_be(port: Port) -> bool:
    """Whether pictures may come out of it, for all that the file says: exporters leave sides open."""
    shape = port.shape
    return shape is None or (len(shape) == 4 and shape[1] in (3, -1) and shape[2] < 0 and shape[3] < 0)


def _shown(port: Port) -> str:
    sides = "of unknown shape" if port.shape is None else str([side if side > 0 else "?" for side in port.shape])
    return f"'{port.name:.40}' {sides}"

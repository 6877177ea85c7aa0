"""Operations that move values and change none: shapes, parts, orders."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...weights.onnx_file import Node
from .given import Inputs, attribute, first_of, known_ints, listed


def reshape(node: Node, inputs: Inputs) -> Tensor:
    """Sides of 0 stay as they are."""
    x, sides = first_of(inputs), listed(node, inputs, "shape", 1) or []
    keep = not attribute(node, "allowzero", 0)
    return x.reshape([x.shape[axis] if side == 0 and keep else side for axis, side in enumerate(sides)])


def flatten(node: Node, inputs: Inputs) -> Tensor:
    """Into a matrix."""
    x, axis = first_of(inputs), attribute(node, "axis", 1)
    return x.reshape(x.shape[:axis].numel(), -1)


def squeeze(node: Node, inputs: Inputs) -> Tensor:
    """Without sides of 1."""
    x, axes = first_of(inputs), listed(node, inputs, "axes", 1)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


def unsqueeze(node: Node, inputs: Inputs) -> Tensor:
    """With sides of 1."""
    x, axes = first_of(inputs), listed(node, inputs, "axes", 1) or []
    for axis in sorted(each % (x.dim() + len(axes)) for each in axes):
        x = x.unsqueeze(axis)
    return x


def sliced(node: Node, inputs: Inputs) -> Tensor:
    """Every so many from here to there, also backwards."""
    x = first_of(inputs)
    starts, ends = listed(node, inputs, "starts", 1) or [], listed(node, inputs, "ends", 2) or []
    axes = listed(node, inputs, "axes", 3) or list(range(len(starts)))
    steps = listed(node, inputs, "steps", 4) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        indices = range(x.shape[axis])[slice(start, None if step < 0 and end < -x.shape[axis] else end, step)]
        x = x.index_select(axis, torch.tensor(list(indices), dtype=torch.int64, device=x.device))
    return x


def pad(node: Node, inputs: Inputs) -> Tensor:
    """Zeros around it."""
    x, pads = first_of(inputs), listed(node, inputs, "pads", 1) or []
    if attribute(node, "mode", "constant") != "constant":
        raise ValueError("padding with other than zeros")
    value = inputs[2] if len(inputs) > 2 else None
    if value is not None and not value.is_meta and float(value) != 0:
        raise ValueError("padding with other than zeros")
    axes = listed(node, inputs, "axes", 3) or list(range(x.dim()))
    before, after = [0] * x.dim(), [0] * x.dim()
    for place, axis in enumerate(axes):
        before[axis], after[axis] = pads[place], pads[place + len(axes)]
    return F.pad(x, [side for axis in reversed(range(x.dim())) for side in (before[axis], after[axis])])


def gather(node: Node, inputs: Inputs) -> Tensor:
    """Places along an axis."""
    x, axis = first_of(inputs), attribute(node, "axis", 0)
    indices = inputs[1]
    places = torch.tensor(known_ints(indices), device=x.device) % x.shape[axis]
    shape = list(indices.shape) if indices is not None else []
    axis %= x.dim()
    return x.index_select(axis, places).reshape([*x.shape[:axis], *shape, *x.shape[axis + 1 :]])


def expand(node: Node, inputs: Inputs) -> Tensor:
    """Sides of 1 repeated."""
    x, sides = first_of(inputs), known_ints(inputs[1])
    return x.expand(torch.broadcast_shapes(x.shape, tuple(sides)))


def split(node: Node, inputs: Inputs) -> tuple[Tensor, ...]:
    """Into its outputs."""
    x, axis = first_of(inputs), attribute(node, "axis", 0)
    sides = listed(node, inputs, "split", 1)
    return tuple(x.split(sides, axis) if sides else x.chunk(len(node.outputs), axis))


def joined(node: Node, inputs: Inputs) -> Tensor:
    """One after the other."""
    return torch.cat([each for each in inputs if each is not None], attribute(node, "axis", 0))

"""Nodes and constants of one ONNX graph, in the order in which they are computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..errors import OptionError

CROPS, RESTORED, BATCH = "crops", "restored", "batch"
_AXES_ARE_INPUTS = 18  # the opset since which a reduction takes its axes as an input, before as an attribute


class GraphWriter:
    """Collects a graph. Values go by names that begin with their module's, as in the checkpoint.

    ``half``: maps, and every filter and matrix in the file, are float16. What is small (styles, normalizations) is
    computed in float32 in either precision, and so are the graph's input and output.
    """

    def __init__(self, *, half: bool, opset: int) -> None:
        from onnx import TensorProto, helper, numpy_helper

        self._helper, self._numpy, self._types = helper, numpy_helper, TensorProto
        self.half, self.opset = half, opset
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._names = {CROPS, RESTORED}

    def node(self, scope: str, kind: str, *inputs: str, result: str = "", **attributes: Any) -> str:
        """Append a node and return its result's name: ``scope``/``kind``, or ``result``."""
        name = self._unused(f"{scope}/{kind}")
        result = result or name
        self.nodes.append(self._helper.make_node(kind, list(inputs), [result], name, **attributes))
        return result

    def constant(self, name: str, value: Tensor) -> str:
        """A constant of its own type."""
        name = self._unused(name)
        self.constants.append(self._numpy.from_array(value.detach().cpu().contiguous().numpy(), name))
        return name

    def number(self, name: str, value: float) -> str:
        """A float32 scalar."""
        return self.constant(name, torch.tensor(value, dtype=torch.float32))

    def map_constant(self, name: str, value: Tensor) -> str:
        """A constant in the precision of maps: a filter, a bias. Raises OptionError where it doesn't fit."""
        stored = value.detach().to(torch.float16 if self.half else torch.float32)
        if not torch.isfinite(stored.sum(dtype=torch.float32)):
            raise OptionError(f"'{name}' does not fit {stored.dtype}, or holds no numbers. Export it as float32.")
        return self.constant(name, stored)

    def matrix(self, name: str, value: Tensor) -> str:
        """A linear layer's weights: stored in the file's precision, computed with in float32."""
        return self.to_float(name, self.map_constant(name, value))

    def to_map(self, scope: str, x: str) -> str:
        """float32 → the precision of maps."""
        return self.node(scope, "Cast", x, to=self._types.FLOAT16) if self.half else x

    def to_float(self, scope: str, x: str) -> str:
        """The precision of maps → float32."""
        return self.node(scope, "Cast", x, to=self._types.FLOAT) if self.half else x

    def per_channel(self, scope: str, values: str, channels: int) -> str:
        """float32 [N, C] → [N, C, 1, 1] in the precision of maps."""
        shape = self.constant(f"{scope}/shape", torch.tensor([-1, channels, 1, 1]))
        return self.to_map(scope, self.node(scope, "Reshape", values, shape))

    def over_channels(self, scope: str, kind: str, x: str) -> str:
        """[N, C] → [N, 1] by a reduction ("ReduceMean", "ReduceMax")."""
        if self.opset < _AXES_ARE_INPUTS:
            return self.node(scope, kind, x, axes=[1], keepdims=1)
        return self.node(scope, kind, x, self.constant(f"{scope}/axes", torch.tensor([1])), keepdims=1)

    def for_each_face(self, scope: str, value: str, shape: tuple[int, ...]) -> str:
        """A constant that broadcasts to [1, *shape] → [N, *shape], of as many faces as there are crops."""
        faces = self.node(
            scope, "Gather", self.node(scope, "Shape", CROPS), self.constant(f"{scope}/axis", torch.tensor([0]))
        )
        rest = self.constant(f"{scope}/shape", torch.tensor(shape))
        return self.node(scope, "Expand", value, self.node(scope, "Concat", faces, rest, axis=0))

    def _unused(self, name: str) -> str:
        number, wanted = 1, name
        while name in self._names:
            number += 1
            name = f"{wanted}_{number}"
        self._names.add(name)
        return name

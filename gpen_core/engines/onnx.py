"""Graphs of other programs, run by ONNX Runtime in the place of a network's modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..model import Gpen, GpenConfig
from ..polling import current_poll
from .base import Network
from .onnx_runtime import Convention, Ends, open_session, run
from .plain import PlainEngine


class OnnxNetwork(nn.Module):
    """A graph in the place of a ``Gpen``: [N, 3, S, S] RGB in [-1, 1] → [N, 3, S', S'], in float32.

    Its weights are ONNX Runtime's, which loads them when they are first needed and frees them when the network moves to another
    device. Where it is, is where its one parameter is.
    """

    def __init__(self, path: Path, ends: Ends, convention: Convention, bytes_held: int, *, unshifted: bool) -> None:
        super().__init__()
        # No weight of it is seen: sizes are its own, widths those that published networks of its size have.
        self.config = GpenConfig.published(ends.size, output_size=ends.output_size)
        self.path, self.ends, self.convention, self.bytes_held = path, ends, convention, bytes_held
        self.unshifted = unshifted
        self.where = nn.Parameter(torch.zeros(1), requires_grad=False)
        self._session: tuple[torch.device, Any] | None = None

    def check_pictures(self, pictures: Tensor) -> None:
        """ValueError unless they are [N, 3, S, S]."""
        size = self.ends.size
        if pictures.dim() != 4 or tuple(pictures.shape[1:]) != (3, size, size):
            raise ValueError(f"pictures must be [N, 3, {size}, {size}], not {list(pictures.shape)}")

    def forward(self, pictures: Tensor) -> Tensor:
        """[N, 3, S, S] RGB in [-1, 1], or in [0, 1] of a network that is ``unshifted`` → the same."""
        device = self.where.device
        if self._session is None or self._session[0] != device:
            self._session = None
            self._session = device, open_session(self.path, device)
        crops = pictures if self.unshifted else pictures.add(1).div(2)
        given = self.convention.into(crops.float())
        made = [run(self._session[1], self.ends, piece) for piece in given.split(self.ends.batch or len(given))]
        restored = self.convention.out_of(torch.cat(made).to(pictures))
        return restored if self.unshifted else restored.mul(2).sub(1)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> OnnxNetwork:
        """What ``to`` calls: the graph computes in a precision of its own."""
        super()._apply(fn, recurse)
        self.where.data = self.where.data.float()
        if self._session is not None and self._session[0] != self.where.device:
            self._session = None
        return self


@dataclass(frozen=True)
class OnnxEngine:
    """ONNX Runtime, which holds the weights itself; ``held`` says how many bytes of them."""

    device: str = "cpu"
    batch: int = 1
    held: int = 0

    @property
    def name(self) -> str:
        """For people."""
        return "ONNX Runtime"

    def can_run(self, config: GpenConfig, device: torch.device, dtype: torch.dtype) -> bool:
        """Graphs only: ``engine_of`` takes it for these, and for nothing else."""
        return False

    def working_bytes(self, config: GpenConfig, batch: int, dtype: torch.dtype) -> int:
        """An estimate: the graph's weights, and maps as the plain engine has them for a network of this size."""
        at_once = min(batch, self.batch) if self.batch else batch
        return self.held + PlainEngine(self.device).working_bytes(config, at_once, torch.float32)

    def faces_at_once(self, config: GpenConfig, dtype: torch.dtype, budget: int | None = None) -> int:
        """One, unless the graph takes any number and there is a GPU to fill."""
        return (
            1 if self.batch or self.device == "cpu" else PlainEngine(self.device).faces_at_once(config, dtype, budget)
        )

    def layout(self) -> torch.memory_format:
        """Channels first, as ONNX has them."""
        return torch.contiguous_format

    def bind(self, network: Gpen) -> Network:
        """Its ``forward``."""
        graph = cast(nn.Module, network)

        @torch.inference_mode()
        def run_graph(pictures: Tensor, noise: torch.Generator | None = None) -> Tensor:
            return torch.cat([_polled(graph, picture) for picture in pictures.split(self.batch or len(pictures))])

        return run_graph


def _polled(graph: nn.Module, pictures: Tensor) -> Tensor:
    """A call cannot be stopped, so it is asked before each whether to go on."""
    current_poll()()
    result: Tensor = graph(pictures)
    return result

"""Graphs of other programs, run by ONNX Runtime in the place of a network's modules."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..commands import pip_install
from ..errors import CheckpointError, MissingWeightsError, one_line
from ..model import Gpen, GpenConfig
from ..polling import current_poll
from .base import Network
from .plain import PlainEngine

_log = logging.getLogger(__name__)
_RUNTIME = "onnxruntime"
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_ERRORS_ONLY = 3  # of its log; it warns of constants that it folds itself
_FLOAT16 = "tensor(float16)"


@dataclass(frozen=True)
class Convention:
    """How a graph wants its pictures and gives them back.

    Attributes:
        lowest, highest: What black and white are on the way in, and
        lowest_out, highest_out: on the way out.
        is_bgr: Channels are blue, green, red.
    """

    lowest: float
    highest: float
    lowest_out: float
    highest_out: float
    is_bgr: bool = False

    def __str__(self) -> str:
        order = "BGR" if self.is_bgr else "RGB"
        entry, result = (_range(self.lowest, self.highest), _range(self.lowest_out, self.highest_out))
        return f"{order} in {entry}" if entry == result else f"{order} in {entry}, out in {result}"

    def into(self, pictures: Tensor) -> Tensor:
        """[N, 3, S, S] RGB in [0, 1] → as the graph takes it."""
        pictures = pictures.flip(1) if self.is_bgr else pictures
        return pictures * (self.highest - self.lowest) + self.lowest

    def out_of(self, results: Tensor) -> Tensor:
        """What the graph gives → RGB, nominally in [0, 1]."""
        results = results.flip(1) if self.is_bgr else results
        return (results - self.lowest_out) / (self.highest_out - self.lowest_out)


@dataclass(frozen=True)
class Ends:
    """A graph's picture input and output: names, sides (0: not known yet), and how many faces it takes at once (0: any)."""

    entry: str
    result: str
    size: int
    output_size: int
    batch: int = 1


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


def is_installed() -> bool:
    """Whether there is an ONNX Runtime to run graphs with."""
    return find_spec(_RUNTIME) is not None


def check_installed(name: str) -> None:
    """Raise MissingWeightsError, with the command that installs it, where there is no ONNX Runtime."""
    if not is_installed():
        raise MissingWeightsError(
            f"{name} is an ONNX graph, which needs the Python package {_RUNTIME}: {pip_install(_RUNTIME)}"
        )


def open_session(path: Path, device: torch.device) -> Any:
    """ONNX Runtime's session, on the GPU where ``device`` is one and the package has CUDA, else on the CPU.

    Raises:
        CheckpointError: It refuses the graph.
        MissingWeightsError: There is no ONNX Runtime.
    """
    check_installed(path.name)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the cores alone
    providers = _providers(device, onnxruntime.get_available_providers(), path.name)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # its errors have no common type of their own
        raise CheckpointError(f"{path.name}: ONNX Runtime cannot open it: {one_line(str(error))}") from error


def run(session: Any, ends: Ends, pictures: Tensor) -> Tensor:
    """[N, 3, S, S] float32 in the graph's own convention → what it gives, float32, on the CPU.

    Where the graph takes more than N pictures, and only so many, the last one is shown to it several times.
    """
    entry = session.get_inputs()[0]
    kind = torch.float16 if entry.type == _FLOAT16 else torch.float32
    count, missing = len(pictures), max(0, ends.batch - len(pictures))
    pictures = torch.cat((pictures, pictures[-1:].expand(missing, -1, -1, -1)))
    given = pictures.to("cpu", kind).contiguous().numpy()
    try:
        made = session.run([ends.result], {ends.entry: given})[0]
    except Exception as error:
        raise RuntimeError(f"ONNX Runtime: {one_line(str(error))}") from error
    return torch.from_numpy(made)[:count].float()


def _polled(graph: nn.Module, pictures: Tensor) -> Tensor:
    """A call cannot be stopped, so it is asked before each whether to go on."""
    current_poll()()
    result: Tensor = graph(pictures)
    return result


def _providers(device: torch.device, there: list[str], name: str) -> list[Any]:
    if device.type == "cpu" or _CUDA not in there:
        if device.type != "cpu":
            _log.warning(
                "%s runs on the CPU: this ONNX Runtime has no CUDA. %s replaces it with one that has.", name,
                pip_install("onnxruntime-gpu"),
            )  # fmt: skip
        return [_CPU]
    return [(_CUDA, {"device_id": device.index or 0}), _CPU]


def _range(lowest: float, highest: float) -> str:
    return f"[{lowest:g}, {highest:g}]"

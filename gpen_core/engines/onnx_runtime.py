"""ONNX Runtime: a graph's ends, how it wants its pictures, and sessions that run it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..commands import pip_install
from ..errors import CheckpointError, MissingWeightsError, one_line
from ..out_of_memory import says_out_of_memory

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
        is_memory = says_out_of_memory(str(error))  # which may stand at the end of a long message
        said = f"ONNX Runtime: {one_line(str(error))}"
        raise (MemoryError(said) if is_memory else RuntimeError(said)) from error
    return torch.from_numpy(made)[:count].float()


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

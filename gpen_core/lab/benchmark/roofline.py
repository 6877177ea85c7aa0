"""What the machine itself can do: the roof that no network gets through (Williams et al. 2009)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ...precisions import PRECISIONS
from .candidate import synchronize
from .timing import time_alternately

_SIDE = 2048  # of the square matrices
# Width and side of a published network's maps: its wide middle, and its large narrow top.
_MAPS = ((512, 64), (128, 256), (32, 1024))
_COPIED = 256 * 2**20  # bytes: far beyond any cache
_GPU_CALLS = 20  # of each, one after the other: a single one is over before a clock has seen it


@dataclass(frozen=True)
class Roofline:
    """Measured rates: ``matmul`` (square matrices of 2048) and ``convolution`` (3×3, channels last, the best of a wide, a
    middling and a narrow one) in operations a second, ``bandwidth`` (a copy, read and written) in bytes a second."""

    matmul: float
    convolution: float
    bandwidth: float

    @property
    def best(self) -> float:
        """Operations a second that a network can't exceed, unless it needs fewer than counted (Winograd's ways)."""
        return max(self.matmul, self.convolution)


def measure_roofline(device: torch.device, precision: str, threads: int, runs: int = 5) -> Roofline:
    """Medians of ``runs``, in turns."""
    dtype = PRECISIONS[precision]
    tasks = {"matmul": _matmul(device, dtype), "copy": _copy(device)}
    for width, side in _MAPS:
        tasks[f"convolution {width}"] = _convolution(device, dtype, width, side)
    calls = 1 if device.type == "cpu" else _GPU_CALLS
    candidates = {name: partial(_repeat, call, calls, device) for name, (call, _) in tasks.items()}
    with torch.inference_mode(), _threads(threads):
        timings = time_alternately(candidates, runs)
    rates = {name: amount * calls / timings[name].median for name, (_, amount) in tasks.items()}
    convolution = max(rate for name, rate in rates.items() if name.startswith("convolution"))
    return Roofline(rates["matmul"], convolution, rates["copy"])


Task = tuple[Callable[[], object], float]  # and the operations, or bytes, of one call


def _matmul(device: torch.device, dtype: torch.dtype) -> Task:
    a, b = _noise(device, dtype, _SIDE, _SIDE), _noise(device, dtype, _SIDE, _SIDE)
    return partial(torch.mm, a, b), 2 * _SIDE**3


def _convolution(device: torch.device, dtype: torch.dtype, width: int, side: int) -> Task:
    x = _noise(device, dtype, 1, width, side, side).contiguous(memory_format=torch.channels_last)
    weight = _noise(device, dtype, width, width, 3, 3).contiguous(memory_format=torch.channels_last)
    return partial(F.conv2d, x, weight, padding=1), 2 * 9 * width**2 * side**2


def _copy(device: torch.device) -> Task:
    source = torch.ones(_COPIED, dtype=torch.uint8, device=device)
    return partial(torch.empty_like(source).copy_, source), 2 * _COPIED


def _noise(device: torch.device, dtype: torch.dtype, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device, dtype)


def _repeat(call: Callable[[], object], calls: int, device: torch.device) -> None:
    for _ in range(calls):
        call()
    synchronize(device)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""How much memory a process, or what it does on a GPU, takes."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_CLEAR_PEAK = "5"  # proc_pid_clear_refs(5): the peak resident size becomes the present one


@dataclass(frozen=True)
class Memory:
    """Bytes held: ``idle`` before anything was loaded but the libraries, ``ready`` with the weights, and the most while
    ``loading`` and while ``running``. Where the system can't forget a peak (all but Linux), ``running`` includes loading.
    """

    idle: int
    loading: int
    ready: int
    running: int

    @property
    def weights(self) -> int:
        """What stays after loading: the weights, and what was prepared from them."""
        return self.ready - self.idle

    @property
    def beyond_idle(self) -> int:
        """The most that was held at any time beyond the idle process: loading and weights counted."""
        return max(self.loading, self.running) - self.idle

    @property
    def beyond_ready(self) -> int:
        """Peak memory of a run, without the weights."""
        return self.running - self.ready


class Gauge(Protocol):
    """Reads the bytes held ``now`` and the ``peak`` since the start, or since ``forget``."""

    def now(self) -> int: ...

    def peak(self) -> int: ...

    def forget(self) -> None: ...


class ProcessGauge:
    """This process's resident memory. macOS tells its peak only: there ``now`` is the peak so far."""

    def now(self) -> int:
        if sys.platform == "win32":
            return _windows_counters().WorkingSetSize
        return _linux_field("VmRSS") if _STATUS.is_file() else self.peak()

    def peak(self) -> int:
        if sys.platform == "win32":
            return _windows_counters().PeakWorkingSetSize
        if _STATUS.is_file():  # ru_maxrss would be the parent's where that was larger: exec keeps it
            return _linux_field("VmHWM")
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS

    def forget(self) -> None:
        if _CLEAR.exists():
            with suppress(OSError):  # kernels built without it
                _CLEAR.write_text(_CLEAR_PEAK)


class CudaGauge:
    """What torch has allocated on the current CUDA device."""

    def now(self) -> int:
        return torch.cuda.memory_allocated()

    def peak(self) -> int:
        return torch.cuda.max_memory_allocated()

    def forget(self) -> None:
        torch.cuda.reset_peak_memory_stats()


def gauge_of(device: torch.device) -> Gauge:
    """What tells the memory of a network on ``device``: the GPU's own where it is CUDA, else the process's."""
    return CudaGauge() if device.type == "cuda" else ProcessGauge()


def _linux_field(name: str) -> int:
    lines = (line.split() for line in _STATUS.read_text().splitlines())
    return next(int(words[1]) * 1024 for words in lines if words[0] == f"{name}:")


class _Counters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of psapi.h."""

    WorkingSetSize: int
    PeakWorkingSetSize: int
    _fields_ = (
        ("cb", ctypes.c_uint32),
        ("PageFaultCount", ctypes.c_uint32),
        ("PeakWorkingSetSize", ctypes.c_size_t),
        ("WorkingSetSize", ctypes.c_size_t),
        ("QuotaPeakPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPeakNonPagedPoolUsage", ctypes.c_size_t),
        ("QuotaNonPagedPoolUsage", ctypes.c_size_t),
        ("PagefileUsage", ctypes.c_size_t),
        ("PeakPagefileUsage", ctypes.c_size_t),
    )


def _windows_counters() -> _Counters:
    counters = _Counters()
    counters.cb = ctypes.sizeof(counters)
    kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo(ctypes.c_void_p(kernel.GetCurrentProcess()), ctypes.byref(counters), counters.cb)
    return counters

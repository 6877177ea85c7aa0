"""Measure networks on the user's own machine: every path, in every precision, in turns."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch

from ...errors import OptionError
from ...precisions import PRECISIONS
from .candidate import Candidate
from .paths import PATHS
from .roofline import Roofline, measure_roofline
from .subjects import Subject
from .turns import Row, take_turns

USUAL_PRECISIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"cpu": ("float32", "bfloat16"), "cuda": ("float32", "float16"), "mps": ("float32", "float16")}
)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class BenchmarkOptions:
    """``runs`` that count, after a ``warmup``; ``threads`` of a CPU, 0 for torch's own choice; ``batch``: faces at once.
    ``precisions`` and ``paths``: none for those that make sense on the device, and for all."""

    device: str = "cpu"
    runs: int = 5
    warmup: int = 1
    threads: int = 0
    batch: int = 1
    precisions: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.runs < 1 or self.batch < 1 or self.warmup < 0 or self.threads < 0:
            raise OptionError("runs and batch must be at least 1, warmup and threads at least 0")
        for kind, asked, known in (("precision", self.precisions, PRECISIONS), ("path", self.paths, PATHS)):
            if wrong := [name for name in asked if name not in known]:
                raise OptionError(f"unknown {kind} '{wrong[0]}'. Known: {', '.join(known)}.")


@dataclass(frozen=True)
class Report:
    """``machine``: what was measured on, as plain values; ``roofline``: by precision."""

    machine: dict[str, object]
    options: BenchmarkOptions
    roofline: dict[str, Roofline]
    rows: tuple[Row, ...]


def benchmark(
    subjects: Iterable[Subject], options: BenchmarkOptions = BenchmarkOptions(), progress: Progress = lambda step: None
) -> Report:
    """Measure. A candidate that fails, for want of memory say, doesn't stop the others. ``progress`` hears each step."""
    device, threads = torch.device(options.device), options.threads or torch.get_num_threads()
    precisions = options.precisions or USUAL_PRECISIONS.get(device.type, ("float32",))
    paths = options.paths or tuple(PATHS)
    roofline = {}
    for precision in precisions:
        progress(f"the machine itself, {precision}")
        roofline[precision] = measure_roofline(device, precision, threads, options.runs)
    rows: list[Row] = []
    for subject in subjects:
        candidates = [
            Candidate(subject, path, precision, options.device, threads, options.batch)
            for precision in precisions
            for path in paths
        ]
        rows += take_turns(candidates, roofline, options.runs, options.warmup, progress)
    return Report(about_machine(device, threads), options, roofline, tuple(rows))


def about_machine(device: torch.device, threads: int) -> dict[str, object]:
    """What the figures depend on, as plain values."""
    gpu = {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        **gpu,
        "device": str(device),
        "threads": threads,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _cpu_name() -> str:
    """Linux has it in a file only."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())

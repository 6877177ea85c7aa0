"""One network on one path in one precision, in its own process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...model import GpenConfig
from ...precisions import PRECISIONS
from .memory import gauge_of
from .paths import PATHS
from .subjects import Subject, random_crops, random_network
from .worker import Worker, serve

_ROOT = Path(__file__).resolve().parents[3]
_START = "import sys; sys.path.insert(0, {!r}); from gpen_core.lab.benchmark.candidate import main; main()"


@dataclass(frozen=True)
class Candidate:
    """``path``: one of ``PATHS``. ``precision``: one of ``PRECISIONS``. ``threads``: of a CPU."""

    subject: Subject
    path: str
    precision: str
    device: str
    threads: int
    batch: int

    @property
    def name(self) -> str:
        return f"{self.subject.name}, {self.precision}, {self.path}"

    def start(self) -> Worker:
        """Its process, ready to run. Raises RestorationError where it can't be."""
        command = [sys.executable, "-c", _START.format(str(_ROOT)), json.dumps(asdict(self))]
        return Worker(self.name, command, {"OMP_NUM_THREADS": str(self.threads)})


def main() -> None:
    """What the process does."""
    plain = json.loads(sys.argv[1])
    candidate = Candidate(**{**plain, "subject": Subject(**plain["subject"])})
    torch.set_num_threads(candidate.threads)
    device = torch.device(candidate.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    load_libraries(device)
    serve(lambda: _load(candidate, device), gauge=gauge_of(device))


def _load(candidate: Candidate, device: torch.device) -> Callable[[], Tensor]:
    model = candidate.subject.load(device, PRECISIONS[candidate.precision])
    crops = random_crops(model.config.input_size, candidate.batch).to(device)
    path = PATHS[candidate.path]

    def run() -> Tensor:
        restored = path(model, crops)
        synchronize(device)
        return restored

    return run


def load_libraries(device: torch.device) -> None:
    """Have torch load what it loads late, on its first steps: that is the idle process's, and no network's."""
    config = GpenConfig.published(16, narrow=1 / 64, style_dim=8, mapping_layers=1)
    network = random_network(config).to(device)
    with torch.inference_mode():
        network(random_crops(16, 1).to(device))
    synchronize(device)


def synchronize(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()

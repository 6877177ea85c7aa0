"""Real processes of their own."""

import sys

import numpy as np
import pytest

from gpen_core.errors import RestorationError
from gpen_core.lab.benchmark.memory import CudaGauge, Memory, ProcessGauge, gauge_of
from gpen_core.lab.benchmark.worker import Worker

MIB = 2**20
RUNS_TWICE_THEN_FAILS_THEN_DIES = """
def load():
    print("a library says hello")  # on the stream that answers go through
    held, calls = np.ones(64 * 2**20, np.uint8), []

    def run():
        print("and hello again")
        calls.append(1)
        if len(calls) == 3:
            raise ValueError("no such face")
        if len(calls) == 4:
            os._exit(7)
        return np.concatenate((held, held))[::2**20]

    return run
"""


@pytest.fixture
def start(repo_root):
    def start(code):
        head = f"import os, sys\nsys.path.insert(0, {str(repo_root)!r})\nimport numpy as np\n"
        serve = "\nfrom gpen_core.lab.benchmark.worker import serve\nserve(load, about={'answer': 42})"
        return Worker("candidate", [sys.executable, "-c", head + code + serve])

    return start


def test_a_process_runs_when_told_says_what_it_held_and_why_it_fails(start):
    with start(RUNS_TWICE_THEN_FAILS_THEN_DIES) as worker:
        assert worker.about == {"answer": 42}
        assert worker.run() > 0
        assert np.array_equal(worker.result(), np.ones(128, np.uint8))
        memory = worker.memory()
        with pytest.raises(RestorationError, match="candidate: no such face"):
            worker.run()
        with pytest.raises(RestorationError, match="candidate: its process ended with status 7"):
            worker.run()
        with pytest.raises(RestorationError, match="candidate: its process ended"):
            worker.memory()
    if sys.platform == "linux":  # elsewhere a peak is not forgotten, and so nothing is certain
        assert memory.weights / MIB == pytest.approx(64, abs=12)
        assert memory.beyond_ready / MIB == pytest.approx(128, abs=24)
        assert memory.beyond_idle / MIB == pytest.approx(192, abs=32)


def test_memory_counts_loading_and_weights_beyond_the_idle_process():
    memory = Memory(idle=100, loading=180, ready=150, running=170)
    assert (memory.weights, memory.beyond_idle, memory.beyond_ready) == (50, 80, 20)


def test_a_process_knows_its_own_memory():
    gauge = ProcessGauge()
    assert 10 * MIB < gauge.now() <= gauge.peak() + MIB  # the kernel counts in batches


def test_a_gpu_is_measured_by_its_own_memory():
    import torch

    assert isinstance(gauge_of(torch.device("cuda", 0)), CudaGauge)
    assert isinstance(gauge_of(torch.device("cpu")), ProcessGauge)

"""A Ray cluster of two CPUs on this machine, for all tests of this folder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def ray(repo_root):
    """Ray, connected. Its workers find the package where the tests do."""
    package = pytest.importorskip("ray", reason='Ray is not installed: pip install "ray[data]"')
    environment = {"PYTHONPATH": str(repo_root), "OMP_NUM_THREADS": "1"}
    package.init(
        num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False,
        runtime_env={"env_vars": environment},
    )  # fmt: skip
    yield package
    package.shutdown()


@pytest.fixture
def command(repo_root):
    """Starts ``gpen`` as a program of its own."""

    def start(*arguments, **options):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(repo_root), "GPEN_MODELS": "/nowhere"}
        return subprocess.Popen(
            [sys.executable, "-m", "gpen_core", *map(str, arguments)], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=repo_root, preexec_fn=answer_interrupts, **options,
        )  # fmt: skip

    return start


def answer_interrupts():
    """A program takes over that Ctrl-C is ignored, as it is where the tests themselves were begun in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def descendants_of(process: int, named: str) -> list[int]:
    """Running processes below another, by a part of their command line."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:  # it has ended
            continue
    found = []
    for number, name in names.items():
        above = number
        while above not in (0, 1, process):
            above = parents.get(above, 0)
        if above == process and named in name:
            found.append(number)
    return found

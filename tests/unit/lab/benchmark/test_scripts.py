"""The scripts that compare: they are run by hand, and must not rot."""

import os
import subprocess
import sys

import pytest

# Python puts a script's own folder first in sys.path, and nothing else of the repository. torch, which takes long, is imported
# once; each script then runs in a process of its own, where no other script has put anything into sys.path.
EACH_ALONE = """
import importlib.util, os, pathlib, sys, traceback
import torch
root = pathlib.Path({root!r})
installed = [path for path in sys.path if path and pathlib.Path(path).resolve() != root]
for path in sorted((root / "benchmarks").glob("*.py")):
    child = os.fork()
    if child == 0:
        sys.path[:] = [str(path.parent), *installed]
        spec = importlib.util.spec_from_file_location(path.stem, path)
        sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            # An installed package would hide that a script does not find the one beside it.
            assert "gpen_core" not in sys.modules or str(root) in map(str, sys.path), "the root is not in sys.path"
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(path.name, "ran" if os.waitpid(child, 0)[1] == 0 else "failed", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_every_script_finds_what_it_imports_by_itself(repo_root, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", EACH_ALONE.format(root=str(repo_root))], capture_output=True, text=True, cwd=tmp_path
    )
    said = done.stdout.split("\n")
    assert done.returncode == 0 and len(list((repo_root / "benchmarks").glob("*.py"))) == done.stdout.count(" ran\n"), (
        f"{[line for line in said if line.endswith('failed')]}\n{done.stderr}"
    )


def test_the_naive_network_is_the_network(repo_root, tmp_path):
    done = subprocess.run(
        [sys.executable, str(repo_root / "benchmarks" / "naive.py")], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("differs by") == 2

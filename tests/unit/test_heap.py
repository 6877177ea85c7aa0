"""The command line's own process holds on to the memory that it frees."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from gpen_core.heap import keep_freed_memory
if sys.argv[2] == "keep":
    keep_freed_memory()
def work():
    maps = [bytearray(40 << 20) for _ in range(3)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator is Linux's")
def test_what_is_freed_is_used_again_without_asking_for_pages(repo_root):
    found = [
        int(subprocess.run([sys.executable, "-c", FAULTS, repo_root, how], capture_output=True, check=True).stdout)
        for how in ("leave", "keep")
    ]
    assert found[1] < 100 < found[0]

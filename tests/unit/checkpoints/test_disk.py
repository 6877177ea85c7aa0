"""A full disk is one clear error, and a killed run leaves nothing that the next one does not sweep."""

import signal
from pathlib import Path

import pytest

from gpen_core.checkpoints.convert import convert
from gpen_core.errors import CheckpointError

FULL_DISK = Path("/dev/full")
FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from gpen_core.cli import main
sys.exit(main(["convert", sys.argv[1], "-o", sys.argv[2]]))
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from gpen_core.checkpoints.convert import convert

def killed(self, content):
    with self.open("wb") as file:
        file.write(content[:100])
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

Path.write_bytes = killed
convert(sys.argv[1], sys.argv[2])
"""


def test_a_full_disk_in_convert_is_one_line_and_leaves_nothing(state, saved, tmp_path, repo_root, forks):
    pytest.importorskip("resource", reason="the size of files is limited by POSIX means")
    out = tmp_path / "out"
    done = forks.run(FULL, saved(state), out / "small.safetensors", folder=repo_root)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "small.safetensors could not be written (File too large)" in done.stderr
    assert list(out.iterdir()) == []


@pytest.mark.skipif(not FULL_DISK.exists(), reason="this system has no /dev/full")
def test_a_disk_without_space_is_named_with_the_file(state, saved, tmp_path, monkeypatch):
    def full(self, content):
        with FULL_DISK.open("wb", buffering=0) as file:
            file.write(content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CheckpointError, match=r"small\.safetensors could not be written \(No space left on device\)"):
        convert(saved(state), tmp_path / "small.safetensors")
    assert not (tmp_path / "small.safetensors").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills in another way")
def test_what_a_killed_convert_left_is_swept_by_the_next(state, saved, tmp_path, repo_root, forks):
    source, out = saved(state), tmp_path / "out"
    done = forks.run(KILLED, source, out / "m.safetensors", folder=repo_root)
    assert done.returncode == -signal.SIGKILL
    (left,) = out.iterdir()
    assert left.stat().st_size == 100
    convert(source, out / "other.safetensors")
    assert [path.name for path in out.iterdir()] == ["other.safetensors"]

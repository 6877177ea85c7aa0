"""Files land whole, and what a killed run left is swept by the next one."""

import os
import signal
import subprocess
import sys
import time

import pytest

from gpen_core import files
from gpen_core.files import scratch_folder, written_whole

HANGS = """
import sys, time
from gpen_core.files import written_whole
with written_whole(sys.argv[1]) as temporary:
    temporary.write_bytes(b"half")
    print("here", flush=True)
    time.sleep(60)
"""

FOLDER_HANGS = """
import time
from gpen_core.files import scratch_folder
with scratch_folder() as folder:
    (folder / "in").mkdir()
    (folder / "in" / "copy.png").write_bytes(b"half")
    print("here", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def another_run():
    files.sweep.cache_clear()
    yield
    files.sweep.cache_clear()


@pytest.mark.skipif(os.name != "posix", reason="whether a process runs is asked on POSIX only")
def test_what_a_killed_run_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path):
    others = [tmp_path / ".gpen-part-notes.txt", tmp_path / ".hidden-1-2.png"]
    for other in others:
        other.write_bytes(b"mine")
    runs = [
        subprocess.Popen([sys.executable, "-c", HANGS, tmp_path / name], stdout=subprocess.PIPE)
        for name in ("a.png", "b.png")
    ]
    try:
        for run in runs:
            assert run.stdout.readline() == b"here\n"
        assert len(list(tmp_path.iterdir())) == 4
        runs[0].send_signal(signal.SIGKILL)
        runs[0].wait()
        with written_whole(tmp_path / "c.png") as temporary:
            temporary.write_bytes(b"whole")
        left = {path.name for path in tmp_path.iterdir()} - {other.name for other in others} - {"c.png"}
        assert len(left) == 1 and f"-{runs[1].pid}-" in left.pop()
        assert all(other.exists() for other in others)
    finally:
        for run in runs:
            run.kill()
            run.wait()


@pytest.mark.skipif(os.name != "posix", reason="whether a process runs is asked on POSIX only")
def test_a_scratch_folder_of_a_killed_run_is_swept_where_the_system_keeps_such_folders(tmp_path, monkeypatch):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    run = subprocess.Popen([sys.executable, "-c", FOLDER_HANGS], stdout=subprocess.PIPE, env=environment)
    try:
        assert run.stdout.readline() == b"here\n"
    finally:
        run.kill()
        run.wait()
    (left,) = tmp_path.iterdir()
    assert (left / "in" / "copy.png").read_bytes() == b"half"
    monkeypatch.setattr(files.tempfile, "tempdir", str(tmp_path))
    with scratch_folder() as folder:
        assert list(tmp_path.iterdir()) == [folder] and not list(folder.iterdir())
        (folder / "a").mkdir()
    assert not list(tmp_path.iterdir())


def test_what_another_machine_left_is_swept_after_a_day(tmp_path):
    for name, age in (("old", 90_000), ("new", 60)):
        path = tmp_path / f".gpen-part-otherhos-1-{name}.png"
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    with written_whole(tmp_path / "a.png") as temporary:
        temporary.write_bytes(b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", ".gpen-part-otherhos-1-new.png"}


def test_what_a_running_process_made_days_ago_is_not_swept(tmp_path):
    """A folder's time is that of its last new file, and a long film is copied into one at the start."""
    with scratch_folder(tmp_path) as folder:
        (folder / "film.mp4").write_bytes(b"long")
        os.utime(folder, (time.time() - 200_000,) * 2)
        files.sweep.cache_clear()
        files.sweep(tmp_path)
        assert (folder / "film.mp4").read_bytes() == b"long"

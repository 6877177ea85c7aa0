"""restore --engine ray, on real workers: the same results as one process gives, whatever happens to a worker or the run."""

import hashlib
import io
import os
import signal
import sys
import threading
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from cluster_harness.conftest import descendants_of
from PIL import Image

from gpen_core.cli import main
from gpen_core.jobs import Job
from gpen_core.scale.clips import Joiner, Piece, pieces_of, segment_text
from gpen_core.scale.outcome import DONE, FAILED, Outcome
from gpen_core.video.segments import Restored, Segment

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds workers in /proc")
GOOD, POISONOUS = 57, 3
WORKER = "MapWorker"


@pytest.fixture(scope="module")
def archive(tmp_path_factory, portrait):
    """60 small portraits in three folders, of which three cannot be restored."""
    folder = tmp_path_factory.mktemp("archive")
    face = Image.open(portrait).crop((128, 16, 336, 224))
    for number in range(GOOD):
        path = folder / f"year {number % 3}" / f"{number:02d}.{('png', 'jpg', 'webp')[number % 3]}"
        path.parent.mkdir(exist_ok=True)
        face.rotate(number / 4).resize((64 + number, 64 + number)).save(path)
    whole = io.BytesIO()
    face.save(whole, "JPEG")
    (folder / "year 0" / "cut-off.jpg").write_bytes(whole.getvalue()[:900])
    (folder / "year 1" / "text.png").write_text("this is no picture")
    Image.new("L", (2000, 2000)).save(folder / "year 2" / "huge.png")
    return folder


def restore(archive, output, checkpoint, *more):
    """The command line of every run here."""
    return [
        "restore", str(archive), "-o", str(output), "--recursive", "--model", str(checkpoint), "--aligned",
        "--max-input-megapixels", "1", *map(str, more),
    ]  # fmt: skip


def sums(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".gpen-manifest" not in path.parts
    }


@pytest.fixture(scope="module")
def expected(archive, checkpoint, tmp_path_factory, repo_root):
    """What the plain command makes of it, in a process with one thread, as workers have."""
    import subprocess

    output = tmp_path_factory.mktemp("plain") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "gpen_core", *restore(archive, output, checkpoint)],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=repo_root, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and f"{POISONOUS} of {GOOD + POISONOUS} inputs failed" in done.stderr
    failed = sorted(line for line in done.stdout.splitlines() if line.startswith("failed: "))
    return sums(output), failed


def rows(output):
    return pq.read_table(output / ".gpen-manifest" / "manifest.parquet").to_pylist()


def wait_for(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def test_a_worker_that_is_killed_changes_no_result(ray, archive, expected, checkpoint, tmp_path, capsys):
    output, killed, before = tmp_path / "out", [], time.time()

    def kill_one():
        wait_for(lambda: len(sums(output)) >= 6)
        killed.append(descendants_of(os.getpid(), WORKER)[0])
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    assert main(restore(archive, output, checkpoint, "--engine", "ray", "--images-per-task", 3)) == 1
    killer.join()
    said = capsys.readouterr()
    assert sums(output) == expected[0] and len(expected[0]) == GOOD
    assert sorted(line for line in said.out.splitlines() if line.startswith("failed: ")) == expected[1]
    assert f"{POISONOUS} of {GOOD + POISONOUS} inputs failed" in said.err
    found = rows(output)
    assert [row["status"] for row in found].count("done") == GOOD and len(found) == GOOD + POISONOUS
    assert {row["sha256"] for row in found if row["status"] == "done"} == set(expected[0].values())
    assert all(row["text"] for row in found if row["status"] == "failed")
    assert all(before < row["finished"] < time.time() and row["seconds"] > 0 for row in found)


def test_a_run_that_was_stopped_goes_on_when_it_is_started_again(
    ray, archive, expected, checkpoint, tmp_path, capsys, command
):
    output = tmp_path / "out"
    asked = restore(archive, output, checkpoint, "--engine", "ray", "--images-per-task", 2, "--workers", 1)
    run = command(*asked, "--address", ray.get_runtime_context().gcs_address)
    wait_for(lambda: len(sums(output)) >= 10)
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130, run.stdout.read()
    before = sums(output)
    assert len(before) < GOOD
    times = {path: (output / path).stat().st_mtime_ns for path in before}
    assert main(asked) == 1
    said = capsys.readouterr()
    left_out = next(int(line.split()[0]) for line in said.err.splitlines() if "left out" in line)
    assert 0 < left_out <= len(before)
    assert sums(output) == expected[0]
    assert sum((output / path).stat().st_mtime_ns == times[path] for path in before) >= left_out
    assert len(rows(output)) == GOOD + POISONOUS and {row["status"] for row in rows(output)} == {"done", "failed"}


def test_an_image_that_ends_every_worker_is_set_aside(ray, portrait, checkpoint, tmp_path, capsys):
    """The workers are ended from outside here, whenever they are at that image: as the system does when memory is out."""
    from gpen_core.scale.run import ATTEMPTS

    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.open(portrait).crop((128, 16, 336, 224)).save(folder / "good.png")
    noise = np.random.default_rng(0).integers(0, 255, (3000, 3000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "deadly.png")  # number 0; writing its result takes seconds
    ended, over = set(), threading.Event()

    def end_workers():
        while not over.is_set():
            try:
                name = next(name for name in ray.util.list_named_actors() if name.startswith(ATTEMPTS))
                at = ray.get(ray.get_actor(name).under_way.remote()).get(0)
            except (StopIteration, ValueError, ray.exceptions.RayError):  # not there yet, or no longer
                at = None
            if at is not None and at[1] not in ended:
                ended.add(at[1])
                os.kill(at[1], signal.SIGKILL)
            time.sleep(0.02)

    watch = threading.Thread(target=end_workers)
    watch.start()
    asked = ["restore", str(folder), "-o", str(output), "--model", str(checkpoint), "--aligned", "--engine", "ray"]
    try:
        assert main([*asked, "--workers", "1", "--attempts", "2"]) == 1
    finally:
        over.set()
        watch.join()
    said = capsys.readouterr().out
    assert "deadly.png: its worker ended each of 2 times" in said and "good.png →" in said
    assert len(ended) == 2 and list(sums(output)) == ["good.png"]


def test_addresses_are_read_and_written_by_the_workers(ray, archive, expected, checkpoint, tmp_path):
    """fsspec's local files stand for a store here: the code is the same for each."""
    at = [f"local://{path}" for path in (archive / "year 1", tmp_path / "out", checkpoint)]
    assert main(restore(at[0], at[1], at[2], "--engine", "ray")) == 1
    found = {f"year 1/{path}": content for path, content in sums(tmp_path / "out").items()}
    assert found == {path: content for path, content in expected[0].items() if path.startswith("year 1")}
    assert len(rows(tmp_path / "out")) == 20


def test_no_more_workers_are_started_than_there_are_tasks(ray, portrait, checkpoint, tmp_path, recwarn):
    """Ray warns of actors that will have nothing to do."""
    Image.open(portrait).crop((128, 16, 336, 224)).save(tmp_path / "one.png")
    asked = ["restore", str(tmp_path / "one.png"), "-o", str(tmp_path / "out.png"), "--model", str(checkpoint)]
    assert main([*asked, "--aligned", "--engine", "ray", "--workers", "2"]) == 0 and (tmp_path / "out.png").exists()
    assert not [each for each in recwarn if "concurrent actors" in str(each.message)]


def test_segments_of_a_clip_are_restored_by_several_workers_and_joined(
    ray, portrait, checkpoint, tmp_path, command, capsys
):
    av = pytest.importorskip("av", reason="PyAV reads and writes clips: pip install av")
    face = Image.open(portrait).crop((128, 16, 336, 224)).resize((96, 96))
    (tmp_path / "in").mkdir()
    with av.open(str(tmp_path / "in" / "scenes.mp4"), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 96, "yuv420p"
        for scene in (face, Image.radial_gradient("L").resize((96, 96)).convert("RGB"), face.rotate(90)):
            for _ in range(8):
                output.mux(stream.encode(av.VideoFrame.from_image(scene)))
        output.mux(stream.encode(None))
    asked = [
        "restore",
        str(tmp_path / "in"),
        "--model",
        str(checkpoint),
        "--detector",
        "mtcnn",
        "--segment-frames",
        "4",
    ]
    plain = command(*asked, "-o", tmp_path / "plain")
    assert plain.wait(120) == 0, plain.stdout.read()
    assert main([*asked, "-o", str(tmp_path / "far"), "--engine", "ray"]) == 0
    assert sums(tmp_path / "far") == sums(tmp_path / "plain")
    (row,) = rows(tmp_path / "far")
    assert row["status"] == "done" and row["text"].startswith("24 frames")
    assert main([*asked, "-o", str(tmp_path / "masked"), "--engine", "ray", "--mask", str(portrait)]) == 1
    assert "--mask are for images, not for clips" in capsys.readouterr().out and not sums(tmp_path / "masked")


class Deadly:
    """Ends the process that it is sent to."""

    def __reduce__(self):
        return os._exit, (1,)


def test_a_clip_that_ends_whoever_looks_through_it_or_joins_it_stops_nothing_else(ray, tmp_path):
    job = Job(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert pieces_of([job], 1.0, Deadly(), ray) == [Piece(job)]
    segment = Segment(0, 0.0, None, 0)
    joiner = Joiner([Piece(job, segment)], Deadly(), ray)
    told = segment_text(Restored("0.mp4", 24, 24, 1, (96, 96)))
    outcome = joiner.take(0, Outcome(str(job.source), str(job.target), DONE, told))
    assert outcome.status == FAILED and "its segments could not be joined: " in outcome.text

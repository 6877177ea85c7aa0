"""What workers are sent, and what they do with it; without a cluster."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from gpen_core.errors import CheckpointError, MissingWeightsError, OptionError
from gpen_core.files import file_sha256
from gpen_core.jobs import FileOptions, Job, Person, ToolOptions
from gpen_core.jobs.places import place
from gpen_core.pipeline import BlendOptions, Settings
from gpen_core.scale.attempts import Attempts
from gpen_core.scale.clips import Piece
from gpen_core.scale.cluster import ClusterOptions
from gpen_core.scale.pins import Pin, local_file, pin_files, with_local_files
from gpen_core.scale.run import fingerprint
from gpen_core.scale.worker import piece_row
from gpen_core.weights.catalog import published_of


def test_settings_arrive_as_they_were_sent(checkpoint, tmp_path):
    options = ToolOptions(checkpoint, (tmp_path,), settings=Settings(blend=BlendOptions(scale="auto", strength=0.5)))
    assert pickle.loads(pickle.dumps((options, FileOptions(quality=80)))) == (options, FileOptions(quality=80))


def test_jobs_arrive_as_they_were_planned_whatever_their_names(tmp_path):
    from gpen_core.scale.worker import _job

    odd = os.fsdecode(b"no text \xff.png")
    for job in (
        Job(tmp_path / odd, place("memory://out/a.png")),
        Job(tmp_path / "ä.png", tmp_path / "b.png", tmp_path / "pair.png", tmp_path / "faces"),
        Job(tmp_path / "a.png", tmp_path / "b.png", None, tmp_path / "faces", only_beside=True),
    ):
        assert _job(piece_row(7, Piece(job))) == job


def test_weights_are_taken_only_with_the_right_checksum(checkpoint, tmp_path):
    copy = tmp_path / "copy.pth"
    copy.write_bytes(checkpoint.read_bytes())
    pins = pin_files(ToolOptions(copy, aligned=True))
    assert pins.model == Pin(str(copy), file_sha256(checkpoint))
    assert with_local_files(ToolOptions(copy, aligned=True), pins).model == copy
    copy.write_bytes(checkpoint.read_bytes() + b"1")
    with pytest.raises(CheckpointError, match="another file"):
        local_file(pins.model)
    copy.unlink()
    with pytest.raises(MissingWeightsError, match="is not on the machine"):
        local_file(pins.model)


def test_a_link_keeps_its_name_which_says_what_the_model_is_for(checkpoint, tmp_path, monkeypatch):
    """As in caches whose files are called by their checksums."""
    link = tmp_path / "GPEN-Colorization-1024.pth"
    link.symlink_to(checkpoint)
    monkeypatch.chdir(tmp_path)
    options = ToolOptions(Path(link.name), aligned=True)
    assert with_local_files(options, pin_files(options)).model == link


def test_weights_behind_an_address_are_fetched_once(checkpoint, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.pipe_file("/weights/tiny.pth", checkpoint.read_bytes())
    pin = pin_files(ToolOptions(place("memory://weights/tiny.pth"), aligned=True)).model
    assert pin.sha256 == file_sha256(checkpoint)
    first = local_file(pin, tmp_path)
    assert first.read_bytes() == checkpoint.read_bytes()
    store.rm_file("/weights/tiny.pth")
    assert local_file(pin, tmp_path) == first
    first.write_bytes(b"damaged")
    store.pipe_file("/weights/tiny.pth", b"another")
    with pytest.raises(CheckpointError, match="another file"):
        local_file(pin, tmp_path)
    assert first.read_bytes() == b"damaged"  # nothing half-checked takes its place


def test_other_networks_are_pinned_with_the_model(checkpoint, tmp_path):
    parser = published_of("parser")[0]
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / parser.filename).write_bytes(b"weights")
    (tmp_path / "person.png").write_bytes(b"picture")
    options = ToolOptions(checkpoint, (tmp_path / "weights",), aligned=True, person=Person(tmp_path / "person.png"))
    pins = pin_files(options)
    assert [Path(pin.place).name for pin in pins.others] == [parser.filename]
    local = with_local_files(options, pins)
    assert local.folders == (tmp_path / "weights",)
    assert local.person == Person(tmp_path / "person.png")


def test_the_fingerprint_is_of_what_decides_about_results_and_nothing_else(checkpoint, tmp_path):
    other = tmp_path / "elsewhere.pth"
    other.write_bytes(checkpoint.read_bytes())
    base = ToolOptions(checkpoint, aligned=True)

    def of(options, files=FileOptions()):
        return fingerprint(options, pin_files(options), files)

    moved = ToolOptions(other, (tmp_path,), device="cuda", aligned=True)
    assert of(base) == of(moved)
    pytest.importorskip("fsspec").filesystem("memory").pipe_file("/weights/tiny.pth", checkpoint.read_bytes())
    assert of(base) == of(ToolOptions(place("memory://weights/tiny.pth"), aligned=True))
    other.write_bytes(checkpoint.read_bytes() + b"1")
    changed = [of(moved), of(ToolOptions(checkpoint, aligned=True, mask="ellipse")), of(base, FileOptions(quality=80))]
    assert len({of(base), *changed}) == 4


def test_attempts_are_counted_and_what_is_done_is_not_begun_again():
    attempts = Attempts(most=2)
    assert attempts.begin(3, ("host", 1)) == (1, None) and attempts.begin(3, ("host", 2)) == (2, None)
    assert attempts.under_way() == {3: ("host", 2)}
    attempts.finish(3, {"status": "done"})
    assert attempts.begin(3, ("host", 4)) == (2, {"status": "done"}) and attempts.under_way() == {}
    attempts.forget([3])
    assert attempts.begin(3, ("host", 5)) == (1, None)
    assert attempts.begin(4, ("host", 5))[0] == 1 and attempts.begin(4, ("host", 6))[0] == 2
    assert attempts.begin(4, ("host", 7))[0] == 3 and attempts.under_way()[4] == ("host", 6)  # it is only set aside


@pytest.mark.parametrize("wrong", [{"workers": -1}, {"cpus": 0.0}, {"gpus": -1.0}, {"attempts": 0}, {"batch": -2}])
def test_impossible_workers_are_refused(wrong):
    with pytest.raises(OptionError):
        ClusterOptions(**wrong)


def test_without_ray_the_command_says_what_to_install(repo_root, portrait, tmp_path):
    """And without --engine nothing of Ray is imported: an interpreter that cannot import it restores all the same."""
    code = f"""
import sys
sys.path.insert(0, {str(repo_root)!r})
for name in ("ray", "pyarrow"):
    sys.modules[name] = None
from gpen_core.cli import main
asked = ["restore", {str(portrait)!r}, "-o", {str(tmp_path / "out.png")!r}, "--model", "bundled", "--aligned"]
print(main([*asked, "--engine", "ray"]), main(asked))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "1 0"
    assert f'{sys.executable} -m pip install "ray[data]"' in done.stderr

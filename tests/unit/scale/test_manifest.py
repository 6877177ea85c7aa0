"""The manifest: written again it stays the same, and of two rows the later one counts."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpen_core.jobs.places import place
from gpen_core.scale.manifest import Manifest
from gpen_core.scale.outcome import DONE, FAILED, PLANNED, Outcome

pytest.importorskip("pyarrow", reason='pyarrow is not installed: pip install "ray[data]"')


def outcome(number, status=DONE, finished=1.0, **more):
    return Outcome(f"in/{number}.png", f"out/{number}.png", status, settings="s", finished=finished, **more)


def written(folder):
    return sorted(path.name for path in folder.iterdir())


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([PLANNED, DONE, FAILED])), max_size=20),
    st.integers(1, 7),
    st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_of_each_result_the_last_row_counts_however_they_were_written(tmp_path_factory, rows, rows_a_part, joined):
    manifest = Manifest(tmp_path_factory.mktemp("manifest"), rows_a_part)
    for time, (number, status) in enumerate(rows):
        manifest.add([outcome(number, status, float(time))])
        if joined and time % 5 == 0:
            manifest.close()
    manifest.close()
    last = {f"out/{number}.png": status for number, status in rows}
    found = manifest.read().to_pylist()
    assert {row["target"]: row["status"] for row in found} == last and len(found) == len(last)


def test_writing_the_same_rows_again_changes_nothing(tmp_path):
    manifest, rows = Manifest(tmp_path), [outcome(number) for number in range(3)]
    manifest.add(rows)
    manifest.flush()
    before = written(tmp_path)
    manifest.add(rows)
    manifest.flush()
    assert written(tmp_path) == before and len(before) == 1
    manifest.close()
    content = (tmp_path / "manifest.parquet").read_bytes()
    manifest.add(rows)
    manifest.close()
    assert written(tmp_path) == ["manifest.parquet"] and (tmp_path / "manifest.parquet").read_bytes() == content


def test_a_run_that_was_stopped_while_it_joined_parts_has_lost_nothing(tmp_path):
    manifest = Manifest(tmp_path)
    manifest.add([outcome(0), outcome(1, FAILED)])
    manifest.flush()
    part = next(tmp_path.glob("part-*"))
    content = part.read_bytes()
    manifest.close()
    part.write_bytes(content)  # as if it had been stopped before it removed the part
    assert [row["status"] for row in Manifest(tmp_path).read().to_pylist()] == [DONE, FAILED]


def test_what_is_done_and_what_only_planned_is_told_by_settings(tmp_path):
    manifest = Manifest(tmp_path)
    manifest.add([outcome(0), outcome(1, PLANNED), outcome(2, FAILED), Outcome("in/3.png", "out/3.png", DONE)])
    manifest.close()
    earlier = manifest.earlier("s")
    assert earlier.planned == {"out/0.png", "out/1.png", "out/2.png"} and earlier.done == {"out/0.png"}
    assert Manifest(tmp_path / "none").earlier("s").planned == frozenset()


def test_a_manifest_lies_in_a_store_as_in_a_folder():
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").store.clear()
    manifest = Manifest(place("memory://run/.gpen-manifest"), rows_a_part=1)
    manifest.add([outcome(0, text="männlich")])
    manifest.add([outcome(1)])
    assert len(manifest.read()) == 2
    manifest.close()
    assert fsspec.filesystem("memory").ls("/run/.gpen-manifest", detail=False) == [
        "/run/.gpen-manifest/manifest.parquet"
    ]
    assert manifest.read().to_pylist()[0]["text"] == "männlich"


def test_a_folder_that_is_not_there_has_no_rows(tmp_path):
    assert len(Manifest(Path(tmp_path / "none")).read()) == 0

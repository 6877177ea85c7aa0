"""What is written beside a result: whole or not at all, and its errors name the place that was asked for."""

import os
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
import torch
from unit_harness.privileges import permissions_count

from gpen_core.errors import ImageError
from gpen_core.jobs.beside import save_beside
from gpen_core.jobs.job import Job
from gpen_core.jobs.plan import is_face
from gpen_core.types import Face, FaceCrop, RestoredFace

SIDE = 8


def face():
    pixels = torch.zeros(3, SIDE, SIDE)
    found = Face((0.0, 0.0, 8.0, 8.0), 1.0, torch.zeros(5, 2), (SIDE, SIDE))
    return RestoredFace(FaceCrop(found, pixels, torch.eye(3)[:2].double(), "ffhq"), pixels)


def save(folder, count):
    picture = torch.zeros(3, SIDE, SIDE)
    job = Job(Path("a.png"), folder.parent / "a.png", None, folder)
    save_beside(job, picture, picture, [face() for _ in range(count)])


def names(count):
    return sorted(f"{number:02d}-{when}.png" for number in range(count) for when in ("before", "after"))


def names_in(folder):
    return sorted(file.name for file in folder.iterdir())


def kill_at(monkeypatch, step):
    """The run, at one of its renamings and removals."""
    left = [step]

    def killed_at_some_step(real):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return real(*arguments, **options)

        return call

    for name in ("rename", "replace", "unlink"):
        monkeypatch.setattr(os, name, killed_at_some_step(getattr(os, name)))


@pytest.mark.parametrize("step", range(12))
def test_a_folder_of_faces_is_whole_wherever_a_run_is_killed(tmp_path, monkeypatch, step):
    folder = tmp_path / "a.png-faces"
    save(folder, 3)
    kill_at(monkeypatch, step)
    with suppress(KeyboardInterrupt):
        save(folder, 2)
    monkeypatch.undo()
    assert not folder.exists() or names_in(folder) in (names(3), names(2))
    save(folder, 1)
    assert names_in(folder) == names(1)


@pytest.mark.parametrize("step", range(12))
def test_beside_other_files_no_face_is_ever_missing(tmp_path, monkeypatch, step):
    folder = tmp_path / "a.png-faces"
    save(folder, 3)
    (folder / "notes.txt").write_text("mine")
    kill_at(monkeypatch, step)
    with suppress(KeyboardInterrupt):
        save(folder, 2)
    monkeypatch.undo()
    assert {*names(2), "notes.txt"} <= set(names_in(folder))
    save(folder, 1)
    assert names_in(folder) == [*names(1), "notes.txt"]


def test_a_crowd_s_faces_are_ours_too():
    assert is_face("07-after.png") and is_face("123-before.png") and not is_face("1-after.png")


def test_other_files_in_a_folder_of_faces_stay(tmp_path):
    folder = tmp_path / "a.png-faces"
    save(folder, 2)
    (folder / "notes.txt").write_text("mine")
    save(folder, 1)
    assert names_in(folder) == [*names(1), "notes.txt"]


@pytest.mark.parametrize("is_there", [True, False])
def test_what_cannot_be_written_is_named_as_it_was_asked_for(tmp_path, is_there):
    folder = tmp_path / "a.png-faces"
    if is_there:
        folder.write_bytes(b"a file")
    else:
        tmp_path.chmod(0o500)
    with nullcontext() if is_there else permissions_count(), pytest.raises(ImageError) as caught:
        save(folder, 1)
    tmp_path.chmod(0o700)
    assert str(caught.value).startswith(f"{folder}: cannot be written (") and "gpen-part" not in str(caught.value)

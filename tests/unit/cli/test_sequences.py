"""python -m gpen_core restore --sequence: numbered images that are the frames of a clip."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gpen_core.cli import main
from gpen_core.video.sequence import in_order

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")
FRAMES = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory, portrait):
    """Frames of the portrait, moving sideways, whose names do not sort as text does."""
    picture = Image.open(portrait).crop((100, 20, 340, 220))
    path = tmp_path_factory.mktemp("sequence") / "shot"
    path.mkdir()
    for number in range(FRAMES):
        view = picture.crop((number, 4, number + 200, 184))
        view.save(path / f"frame {number + 5}.png", dpi=(300 + number, 300 + number))
    return path


def run(*arguments, checkpoint):
    options = ["--model", str(checkpoint), "--detector", "mtcnn", "--protect", "off"]
    return main(["restore", *map(str, arguments), *options])


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


@pytest.fixture(scope="module")
def restored(folder, checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("restored")
    assert run(folder, "-o", out / "steady", "--sequence", checkpoint=checkpoint) == 0
    assert run(folder, "-o", out / "alone", checkpoint=checkpoint) == 0
    return out


def test_every_frame_comes_back_under_its_name_with_what_its_file_knew(folder, restored):
    names = sorted(path.name for path in folder.iterdir())
    assert sorted(path.name for path in (restored / "steady").iterdir()) == names
    for number in range(FRAMES):
        found = Image.open(restored / "steady" / f"frame {number + 5}.png")
        assert found.size == (200, 180) and found.info["dpi"][0] == pytest.approx(300 + number, abs=0.5)


def test_frames_are_restored_along_the_track_of_the_face(folder, restored):
    def flicker(of):
        frames = np.stack([pixels(path) for path in in_order((restored / of).iterdir())])
        still = np.stack([frame[:, FRAMES - n : 190 - n] for n, frame in enumerate(frames)])  # along the motion
        return np.abs(np.diff(still, 2, axis=0)).mean()

    assert flicker("steady") < 0.9 * flicker("alone")


def test_what_is_there_already_is_left_and_the_rest_is_as_in_a_whole_run(folder, restored, checkpoint, tmp_path):
    names = [path.name for path in in_order(folder.iterdir())]
    for name in names[:6]:
        (tmp_path / name).write_bytes(b"there")
    assert run(folder, "-o", tmp_path, "--sequence", "--skip-existing", checkpoint=checkpoint) == 0
    assert all((tmp_path / name).read_bytes() == b"there" for name in names[:6])
    for name in names[6:]:
        assert np.abs(pixels(tmp_path / name) - pixels(restored / "steady" / name)).max() <= 1


def test_a_run_that_goes_on_at_scale_auto_keeps_the_size_of_what_is_there(folder, checkpoint, tmp_path):
    names = [path.name for path in in_order(folder.iterdir())]
    Image.new("RGB", (600, 540)).save(tmp_path / names[0])  # of faces that were smaller then
    auto = ("--sequence", "--scale", "auto")
    assert run(folder, "-o", tmp_path, *auto, "--skip-existing", checkpoint=checkpoint) == 0
    assert {Image.open(tmp_path / name).size for name in names} == {(600, 540)}
    assert run(folder, "-o", tmp_path / "new", *auto, checkpoint=checkpoint) == 0
    assert {Image.open(path).size for path in (tmp_path / "new").iterdir()} != {(600, 540)}


def test_a_frame_of_another_size_is_named(folder, checkpoint, tmp_path, capsys):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    Image.new("RGB", (64, 48)).save(tmp_path / "frame 9.png")
    assert run(tmp_path, "-o", tmp_path / "out", "--sequence", checkpoint=checkpoint) == 1
    assert "frame 9.png: 64×48 px, but frame 5.png is 200×180 px" in capsys.readouterr().out


def test_what_only_single_images_have_is_refused(folder, checkpoint, tmp_path, capsys):
    for option in (("--save-faces",), ("--mask", folder), ("--background", folder)):
        assert run(folder, "-o", tmp_path / "out", "--sequence", *option, checkpoint=checkpoint) == 1
        assert f"{option[0]} is for single images" in capsys.readouterr().err


def test_a_part_by_time_is_refused(folder, checkpoint, tmp_path, capsys):
    for option in (("--start", "1"), ("--end", "2")):
        assert run(folder, "-o", tmp_path / "out", "--sequence", *option, checkpoint=checkpoint) == 1
        assert "numbered images have no times" in capsys.readouterr().err


def test_numbers_in_names_count_by_their_value():
    names = ["b 2.png", "a 10.png", "a 9.png", "a 9b.png", "a.png"]
    assert [path.name for path in in_order(map(Path, names))] == ["a 9.png", "a 9b.png", "a 10.png", "a.png", "b 2.png"]

"""Numbered images as frames of a clip: what a killed run leaves, and how the next one goes on."""

import importlib.util

import numpy as np
import pytest
from PIL import Image

from gpen_core.errors import OptionError
from gpen_core.lab.evaluation.video import moving, smooth_motion
from gpen_core.pipeline import Hooks
from gpen_core.video.sequence import restore_sequence

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mtcnn") is None, reason="the mtcnn package is not installed")
SIZE, FRAMES = (176, 256), 14


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def sources(astronaut, astronaut_face, tmp_path_factory):
    """14 numbered files of a face that moves."""
    folder = tmp_path_factory.mktemp("shot")
    frames = moving(astronaut, astronaut_face, smooth_motion(FRAMES, astronaut_face, SIZE, 70), SIZE).frames
    paths = [folder / f"shot.{number:04d}.png" for number in range(FRAMES)]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame.mul(255).round().byte().permute(1, 2, 0).numpy()).save(path)
    return paths


def restored(sources, folder, tools, hooks=Hooks()):
    """Restore what is not in the folder yet."""
    targets = [folder / path.name for path in sources]
    frames = [(path, None if target.exists() else target) for path, target in zip(sources, targets, strict=True)]
    return restore_sequence(frames, tools, hooks=hooks)


def pixels(path):
    return np.asarray(Image.open(path)).astype(int)


@pytest.fixture(scope="module")
def whole(sources, tools, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert restored(sources, folder, tools).frames == FRAMES
    return folder


def test_every_number_gets_its_frame(sources, whole):
    assert sorted(path.name for path in whole.iterdir()) == [path.name for path in sources]
    for path in sources:  # beside the face, a frame is what it was
        assert (pixels(whole / path.name)[:30, :40] == pixels(path)[:30, :40]).all()


def test_a_killed_run_leaves_whole_files_and_the_next_one_goes_on_with_the_others(sources, whole, tools, tmp_path):
    def progress(stage, done, total, preview=None):
        if stage == "blend" and done >= 6:
            raise KilledError

    with pytest.raises(KilledError):
        restored(sources, tmp_path, tools, Hooks(progress=progress))
    there = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(there) == [path.name for path in sources[:5]]
    assert restored(sources, tmp_path, tools).frames == FRAMES - 5
    for path in sources:
        if path.name in there:
            assert (tmp_path / path.name).read_bytes() == there[path.name]
        assert np.abs(pixels(tmp_path / path.name) - pixels(whole / path.name)).max() <= 1
    assert len(list(tmp_path.iterdir())) == FRAMES


def test_nothing_to_write_is_an_error(sources, whole, tools):
    with pytest.raises(OptionError, match="no frame of the sequence is left"):
        restored(sources, whole, tools)

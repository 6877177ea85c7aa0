"""Tracked faces whose frames are others: it is noticed, and not where a face was only moved or filled in."""

from dataclasses import replace

import pytest
import torch

from gpen_core.errors import ImageError, OptionError
from gpen_core.pipeline import Hooks, detect_faces
from gpen_core.pipeline.clip import restore_along, scan_faces, track_faces
from gpen_core.pipeline.frames import notice_another_picture


@pytest.fixture(scope="module")
def covered(astronaut, astronaut_face):
    """12 frames of one face, which something passes in front of in two."""
    frames = astronaut.expand(12, -1, -1, -1).clone()
    frames[5:7, :, 30:220, 130:320] = torch.rand(3, 190, 190, generator=torch.Generator().manual_seed(0))
    return frames


def test_a_face_that_was_filled_in_belongs_to_its_frame(covered, detector):
    tracked = track_faces(covered, detect_faces(covered, detector))
    assert [face.frame for face in tracked] == list(range(12))
    said = []
    notice_another_picture(covered, tracked, said.append)
    assert said == []


@pytest.mark.parametrize(
    "find", [scan_faces, lambda frames, detector: track_faces(frames, detect_faces(frames, detector))]
)
def test_tracked_faces_of_another_clip_are_noticed(covered, detector, find):
    said = []
    notice_another_picture(covered.flip(3), find(covered[:4], detector), said.append)
    assert "Image 1, 2, 3, 4 is not the one" in said[0]


def test_tracked_faces_are_checked_before_they_are_restored(covered, astronaut_face, tiny_model):
    faces = [replace(astronaut_face, track=1, frame=frame, id=frame + 1) for frame in range(3)]
    with pytest.raises(ImageError, match="from 3 images or more, but here are only 2"):
        restore_along(covered[:2], faces, tiny_model)
    broken = replace(faces[1], landmarks=((5.0, 5.0),) * 5)
    said = []
    restored = restore_along(covered[:3], [faces[0], broken, faces[2]], tiny_model, hooks=Hooks(say=said.append))
    assert [face.crop.face.frame for face in restored] == [0, 2] and "face 2 of image 2 cannot be restored" in said[0]
    with pytest.raises(OptionError, match="cannot be restored"):
        restore_along(covered[:3], [broken], tiny_model)

"""One broken face or frame is named, and the rest is done."""

import logging
from dataclasses import replace
from math import inf, nan
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pipeline_harness.known import KnownFaces

import gpen_core
from gpen_core.errors import GpenError, ImageError, OptionError
from gpen_core.imaging.batches import frames_of_batch
from gpen_core.pipeline import Hooks, crop_faces, detect_faces, restore_faces, restore_image
from gpen_core.pipeline.label_maps import label_maps
from gpen_core.pipeline.workable import first_workable
from gpen_core.tasks.labels import LABEL_COLORS


def moved(face, x, y=0.0, scale=1.0):
    return tuple((px * scale + x, py * scale + y) for px, py in face.landmarks)


BROKEN = {
    "not a number": lambda face: (*face.landmarks[:4], (nan, 1.0)),
    "infinite": lambda face: (*face.landmarks[:4], (inf, 1.0)),
    "coincident": lambda face: ((5.0, 5.0),) * 5,
    "far to the right": lambda face: moved(face, 1e7),
    "just outside": lambda face: moved(face, 0, -400),
    "endlessly large": lambda face: moved(face, 0, 0, 1e12),
}


@pytest.fixture
def frames(astronaut):
    return torch.stack([astronaut, astronaut.flip(2)])


@pytest.mark.parametrize("kind", BROKEN)
def test_one_face_with_broken_landmarks_is_named_and_the_others_are_restored(frames, astronaut_face, tiny_model, kind):
    said = []
    bad = replace(astronaut_face, landmarks=BROKEN[kind](astronaut_face), id=2)
    good = replace(astronaut_face, id=1)
    hooks = Hooks(say=said.append)
    alone = restore_image(frames, tiny_model, None, faces=[good])
    both = restore_image(frames, tiny_model, None, faces=[bad, good], hooks=hooks)
    found = restore_image(frames[:1], tiny_model, KnownFaces(bad, good), hooks=hooks)
    assert torch.equal(both.frames, alone.frames) and [face.id for face in both.faces] == [1]
    assert len(found.faces) == 1
    said = [text for text in said if "cannot be" in text]
    assert said[0].startswith("face 2 of image 1 cannot be restored, but the others are: ")
    assert said[1].startswith("face 1 cannot be restored") and len(said) == 2  # the first that this detector found
    assert [face.crop.face.id for face in restore_faces(frames, [bad, good], tiny_model)] == [1]
    assert [face.crop.face.id for face in crop_faces(frames, [bad, good], 64, miss=said.append)] == [1]
    assert len(said) == 3


def test_where_one_face_is_used_only_what_concerns_it_is_said(frames, astronaut_face):
    said = []
    good = replace(astronaut_face, frame=1, id=5)
    bad = replace(astronaut_face, landmarks=moved(astronaut_face, 1e7), id=3)
    assert first_workable(frames, [good, bad], 64, "gpen", said.append) is good and said == []
    assert first_workable(frames, [bad, bad, good, bad], 64, "gpen", said.append) is good
    assert said == [
        "face 3 of image 1 cannot be used, face 5 of image 2 is: its landmarks lie outside of the image",
    ]
    with pytest.raises(OptionError, match=r"^face 3 of image 1 cannot be used: its landmarks lie outside"):
        first_workable(frames, [bad, replace(bad, id=4)], 64, "gpen", said.append)
    frames = torch.cat((frames[:1], torch.full_like(frames[:1], nan)))
    with pytest.raises(ImageError, match=r"^face 5 of image 2 cannot be used: its image contains NaN"):
        first_workable(frames, [good], 64, "gpen", said.append)


@pytest.mark.parametrize("kind", BROKEN)
def test_where_all_faces_are_broken_nothing_is_restored_in_silence(frames, astronaut_face, tiny_model, kind):
    bad = replace(astronaut_face, landmarks=BROKEN[kind](astronaut_face))
    for run in (
        lambda: restore_image(frames, tiny_model, None, faces=[bad]),
        lambda: restore_image(frames, tiny_model, KnownFaces(bad)),
        lambda: restore_faces(frames, [bad, bad], tiny_model),
        lambda: crop_faces(frames, [bad], 64),
    ):
        with pytest.raises(OptionError, match="face 1 of image 1 cannot be restored"):
            run()


def test_a_face_at_the_border_is_worked_on(frames, astronaut_face, tiny_model):
    face = replace(astronaut_face, landmarks=moved(astronaut_face, -240))
    assert len(restore_image(frames, tiny_model, None, faces=[face]).faces) == 1


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_one_frame_without_numbers_is_named_and_the_others_are_restored(frames, astronaut_face, tiny_model, value):
    said = []
    hooks = Hooks(say=said.append)
    broken = torch.cat((frames, frames[:1]))
    broken[1, 0, 3, 4] = value
    result = restore_image(broken, tiny_model, KnownFaces(astronaut_face), hooks=hooks)
    assert [face.frame for face in result.faces] == [0, 2]
    unchanged = "Image 2 of 3 holds NaN or infinity and stays unchanged."
    assert [text for text in said if "larger" not in text] == [unchanged]
    assert torch.equal(result.frames[1].nan_to_num(), broken[1].nan_to_num())
    alone = restore_image(frames[:1], tiny_model, KnownFaces(astronaut_face))
    assert (result.frames[0] - alone.frames[0]).abs().max() < 1e-5
    assert [face.frame for face in detect_faces(broken, KnownFaces(astronaut_face), hooks)] == [0, 2]
    given = [replace(astronaut_face, frame=number, id=number + 1) for number in range(3)]
    assert [face.crop.face.frame for face in restore_faces(broken, given, tiny_model, hooks=hooks)] == [0, 2]
    assert said[-1] == "face 2 of image 2 cannot be restored, but the others are: its image contains NaN or infinity"


@pytest.mark.parametrize("value", [nan, inf])
def test_a_frame_that_a_graph_hands_over_without_numbers_is_named_once(frames, astronaut_face, tiny_model, value):
    broken, said = torch.cat((frames, frames[:1])).movedim(1, -1).clone(), []
    broken[1, 3, 4, 0] = value
    made = frames_of_batch(broken, said.append)
    restore_image(made, tiny_model, KnownFaces(astronaut_face), hooks=Hooks(say=said.append))
    (named,) = {text for text in said if "NaN or infinity" in text}
    assert named == "Image 2 of 3 holds NaN or infinity and stays unchanged."


def test_where_no_frame_has_numbers_that_is_an_error(frames, astronaut_face, tiny_model):
    with pytest.raises(ImageError, match="NaN or infinity"):
        restore_image(frames * nan, tiny_model, KnownFaces(astronaut_face))
    with pytest.raises(ImageError, match="NaN or infinity"):
        restore_image(frames * nan, tiny_model, None, faces=[astronaut_face])


def test_the_front_door_warns_of_a_bad_frame(frames, astronaut_face, tiny_model, caplog):
    frames[1] = nan
    with caplog.at_level(logging.WARNING):
        result = gpen_core.restore(frames, tiny_model, detector=KnownFaces(astronaut_face))
    assert "Image 2 of 2 holds NaN or infinity" in caplog.text
    assert not torch.equal(result[0], frames[0]) and bool(result[1].isnan().all())
    with pytest.raises(ImageError, match="NaN or infinity"):
        gpen_core.restore(frames[1], tiny_model, detector=KnownFaces(astronaut_face))
    frames[1, 0, 0] = 7
    frames[0] = 9.0
    with pytest.raises(ImageError, match="values in"):
        gpen_core.restore(frames, tiny_model, detector=KnownFaces(astronaut_face))


EMPTY = np.zeros((0, 4, 3), np.uint8)
STRANGE = ["photo.png", None, 3, b"bytes", [1, 2], EMPTY, torch.zeros(3, 0, 4), np.zeros((4, 4, 5)), object(), {"a": 1}]


@pytest.mark.parametrize("picture", STRANGE, ids=lambda value: type(value).__name__)
def test_the_front_door_refuses_what_is_no_picture_in_its_own_words(picture, tiny_model, astronaut_face):
    calls = {
        "restore": lambda: gpen_core.restore(picture, tiny_model, detector=KnownFaces()),
        "detect": lambda: gpen_core.detect(picture, KnownFaces()),
        "align": lambda: gpen_core.align(picture, astronaut_face, 64),
        "blend": lambda: gpen_core.blend(picture, []),
        "restore_frames": lambda: gpen_core.restore_frames(picture, tiny_model, detector=KnownFaces()),
    }
    for name, call in calls.items():
        with pytest.raises(GpenError):
            print(name)
            call()


@pytest.mark.parametrize("size", [0, -5, 1.5, "64", None, nan, 10**9])
def test_the_front_door_refuses_an_impossible_size(size, astronaut, astronaut_face):
    with pytest.raises(GpenError, match="side of a crop"):
        gpen_core.align(astronaut, astronaut_face, size)


@pytest.mark.parametrize("faces", ["faces", 3, [None], ["face"], [np.zeros(4)]], ids=str)
def test_the_front_door_refuses_what_are_no_faces(faces, astronaut, tiny_model):
    with pytest.raises(GpenError, match="face"):
        gpen_core.restore(astronaut, tiny_model, faces=faces)
    with pytest.raises(GpenError, match="face"):
        gpen_core.blend(astronaut, faces)


@pytest.mark.parametrize("wrong", ["GPEN-BFR-512", 3, torch.nn.Identity()], ids=lambda value: type(value).__name__)
def test_the_front_door_refuses_what_is_no_model_or_detector(wrong, astronaut, astronaut_face, tiny_model):
    with pytest.raises(GpenError, match="load_model"):
        gpen_core.restore(astronaut, wrong, faces=[astronaut_face])
    with pytest.raises(GpenError, match="load_detector"):
        gpen_core.restore(astronaut, tiny_model, detector=wrong)
    with pytest.raises(GpenError, match="load_detector"):
        gpen_core.detect(astronaut, wrong)


@pytest.mark.parametrize("name", ["", 3, b"x", ["a"], "\0"], ids=str)
def test_the_front_door_refuses_strange_names_of_files(name, tmp_path):
    for load in (gpen_core.load_model, gpen_core.load_detector, gpen_core.load_parser):
        with pytest.raises(GpenError):
            load(name, folders=[tmp_path])


def test_who_watches_for_it_hears_apart_what_the_user_has_to_see(frames, astronaut_face, tiny_model, caplog):
    said, warned = [], []
    broken = replace(astronaut_face, landmarks=((5.0, 5.0),) * 5)
    flipped = [replace(face, appearance=detect_faces(frames, KnownFaces(astronaut_face))[0].appearance, frame=1)
               for face in (astronaut_face, broken)]  # fmt: skip
    restore_image(frames, tiny_model, None, faces=flipped, hooks=Hooks(say=said.append, warn=warned.append))
    assert any("cannot be restored" in text for text in warned) and any("not the one" in text for text in warned)
    assert not any("not the one" in text or "cannot" in text for text in said)
    with caplog.at_level(logging.WARNING):  # where nobody listens
        restore_image(frames, tiny_model, None, faces=flipped[:1])
    assert "not the one in which the faces were found" in caplog.text


class OneLabel:
    """A parser to which everything is the first label."""

    kind = SimpleNamespace(labels=tuple(LABEL_COLORS))

    def labels(self, crops):
        return torch.zeros(len(crops), *crops.shape[-2:], dtype=torch.long)


def test_label_maps_of_another_picture_are_said(frames, astronaut_face):
    (face, _) = detect_faces(frames, KnownFaces(astronaut_face))
    said = []
    label_maps(frames[:1], [face], OneLabel(), Hooks(warn=said.append))
    assert said == []
    label_maps(frames[1:], [face], OneLabel(), Hooks(warn=said.append))
    assert "not the one in which the faces were found" in said[0]

"""From frames to frames, with a real (tiny, untrained) network and faces whose place is known."""

from dataclasses import replace

import pytest
import torch
from pipeline_harness.known import KnownFaces, painted

from gpen_core.errors import ImageError, OptionError
from gpen_core.faces.regions import RegionOptions
from gpen_core.faces.selection import SelectOptions, select_faces
from gpen_core.pipeline import (
    BlendOptions,
    Hooks,
    RestoreOptions,
    Settings,
    blend_faces,
    detect_faces,
    protect_faces,
    protections_for,
    restore_faces,
    restore_image,
)


def test_a_picture_of_another_shape_is_refused(frames, astronaut_face, tiny_model):
    other = torch.zeros(1, 3, 900, 512)
    with pytest.raises(ImageError, match=r"512×512 image, but this one is 512×900"):
        list(restore_faces(other, [astronaut_face], tiny_model))
    with pytest.raises(ImageError, match="but this one is"):
        blend_faces(other, painted(frames, [astronaut_face]))


def test_all_in_one_equals_the_stages(frames, astronaut_face, tiny_model):
    settings = Settings(blend=BlendOptions(scale=1.5, strength=0.7))
    detector = KnownFaces(astronaut_face)
    seen = []
    whole = restore_image(frames, tiny_model, detector, settings, on_face=seen.append)
    faces = detect_faces(frames, detector)
    restored = restore_faces(frames, faces, tiny_model)
    protected = list(protect_faces(frames, restored, protections_for(settings.protect)))
    staged = blend_faces(frames, protected, settings.blend)
    torch.testing.assert_close(whole.frames, staged.frames, atol=1e-6, rtol=0)
    torch.testing.assert_close(whole.mask, staged.mask, atol=1e-6, rtol=0)
    assert whole.faces == tuple(face.crop.face for face in protected) and len(seen) == 3  # with their quality
    assert [face.frame for face in whole.faces] == [0, 1, 2]


def test_a_face_keeps_its_id_through_selection_and_restoring(frames, astronaut_face, tiny_model):
    second = replace(astronaut_face, box=(10.0, 64.0, 60.0, 120.0), score=0.5)
    seen = []
    settings = Settings(select=SelectOptions("left_to_right", limit=1))
    result = restore_image(frames, tiny_model, KnownFaces(astronaut_face, second), settings, on_face=seen.append)
    assert [face.id for face in detect_faces(frames, KnownFaces(astronaut_face, second))] == [1, 2, 3, 4, 5, 6]
    assert [(face.id, face.frame) for face in result.faces] == [(2, 0), (4, 1), (6, 2)]
    assert [face.crop.face.id for face in seen] == [2, 4, 6]


def test_frames_are_checked_once_at_the_door(frames, astronaut_face, tiny_model, monkeypatch):
    from gpen_core.pipeline import blend, detect, restore, run
    from gpen_core.pipeline import frames as checks

    calls = []

    def counted(given, **options):
        calls.append(given)
        return checks.check_frames(given)

    for module in (blend, detect, restore, run):
        monkeypatch.setattr(module, "check_frames", counted)
    restore_image(frames, tiny_model, KnownFaces(astronaut_face))
    assert len(calls) == 1


def test_no_face_returns_the_picture(frames, tiny_model):
    result = restore_image(frames, tiny_model, KnownFaces())
    assert torch.equal(result.frames, frames) and result.faces == () and not result.mask.any()


def test_progress_counts_and_cancels(frames, astronaut_face, tiny_model):
    seen = []

    def progress(stage, done, total, preview=None):
        seen.append((stage, done, total, None if preview is None else tuple(preview.shape)))
        if stage == "restore" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_image(frames, tiny_model, KnownFaces(astronaut_face), hooks=Hooks(progress=progress))
    assert seen[:4] == [
        ("detect", 1, 3, None),
        ("detect", 2, 3, None),
        ("detect", 3, 3, None),
        ("restore", 1, 3, (3, 32, 32)),
    ]
    assert len(seen) <= 6


def test_selection_orders_limits_and_filters(astronaut_face):
    def face(x, size, score, frame=0):
        return replace(astronaut_face, box=(x, 0, x + size, size), score=score, frame=frame)

    a, b, c, d = face(50, 30, 0.9), face(0, 60, 0.8), face(20, 10, 0.99), face(0, 20, 0.5, frame=1)
    faces = (a, b, c, d)
    assert select_faces(faces, SelectOptions()) == (b, a, c, d)
    assert select_faces(faces, SelectOptions("left_to_right")) == (b, c, a, d)
    assert select_faces(faces, SelectOptions("most_confident", limit=2)) == (c, a, d)
    assert select_faces(faces, SelectOptions(min_size=25)) == (b, a)


@pytest.mark.parametrize(
    "make",
    [
        lambda: BlendOptions(scale=0),
        lambda: BlendOptions(scale="huge"),
        lambda: BlendOptions(scale=17),
        lambda: BlendOptions(scale=float("nan")),
        lambda: BlendOptions(strength=1.1),
        lambda: BlendOptions(softness=0),
        lambda: BlendOptions(color="vivid"),
        lambda: BlendOptions(max_megapixels=0),
        lambda: BlendOptions(whole_crop=True, regions=RegionOptions()),
        lambda: RestoreOptions(template="arcface"),
        lambda: RestoreOptions(batch_size=-1),
        lambda: SelectOptions(order="random"),
        lambda: SelectOptions(limit=-1),
    ],
)
def test_settings_out_of_range_are_refused_where_they_are_made(make):
    with pytest.raises(OptionError):
        make()


def test_without_detector_and_faces_there_is_nothing_to_go_by(frames, tiny_model):
    with pytest.raises(OptionError, match="give a detector, or the faces"):
        restore_image(frames, tiny_model, None)


@pytest.mark.parametrize("shape", [(3, 64, 64), (0, 3, 64, 64), (1, 1, 64, 64), (1, 3, 0, 64)])
def test_frames_of_another_shape_are_refused(shape, tiny_model):
    with pytest.raises(ImageError, match="frames must be"):
        restore_image(torch.zeros(shape), tiny_model, KnownFaces())
    with pytest.raises(ImageError, match="floating point"):
        blend_faces(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), [])


def test_a_face_of_a_frame_that_is_not_there_is_named(frames, astronaut_face, tiny_model):
    with pytest.raises(ImageError, match=r"from 8 images or more.*only 3"):
        list(restore_faces(frames, [replace(astronaut_face, frame=7)], tiny_model))
    with pytest.raises(ImageError, match=r"a face is from image number -1; they count from 0"):
        list(restore_faces(frames, [replace(astronaut_face, frame=-1)], tiny_model))

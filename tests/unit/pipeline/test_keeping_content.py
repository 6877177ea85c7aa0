"""A hand stays a hand: from the step to the picture and its masks."""

from dataclasses import replace

import pytest
import torch

from gpen_core.faces.alignment import align_face
from gpen_core.pipeline import BlendOptions, ProtectOptions, blend_faces, protections_for
from gpen_core.pipeline.kept import KeptMasks
from gpen_core.pipeline.protect.content import KeepContent
from gpen_core.tasks import TASKS
from gpen_core.types import RestoredFace


@pytest.fixture(scope="module")
def occluded(astronaut, astronaut_face):
    """A frame with a green square on the cheek, and a restoration that knows nothing of it."""
    clean = align_face(astronaut, astronaut_face, 256).pixels
    frame = astronaut.clone()
    frame[:, 118:140, 190:212] = torch.tensor([0.1, 0.7, 0.2])[:, None, None]
    return frame, RestoredFace(align_face(frame, astronaut_face, 256), clean)


def test_the_square_stays_in_the_picture_and_the_rest_is_restored(astronaut, occluded):
    frame, face = occluded
    brighter = replace(face, pixels=(face.pixels + 0.02).clamp(0, 1))
    kept = KeepContent().protect(brighter, frame)
    result = blend_faces(frame[None], [kept], BlendOptions(color="off"))
    taken = blend_faces(frame[None], [brighter], BlendOptions(color="off"))
    inside, nose = (slice(None), slice(122, 136), slice(194, 208)), (slice(None), slice(110, 120), slice(225, 230))
    assert (result.frames[0][inside] - frame[inside]).abs().max() < 0.02
    assert (taken.frames[0][inside] - frame[inside]).abs().max() > 0.2
    assert torch.equal(result.frames[0][nose], taken.frames[0][nose])


def test_what_was_kept_is_said_and_painted(occluded):
    frame, face = occluded
    kept = KeepContent().protect(face, frame)
    assert 0.01 < kept.facts.kept_back < 0.15
    assert "Kept the original" in kept.facts.notes[0]
    masks = KeptMasks(torch.zeros(1, 3, 512, 512))
    masks.add(kept)
    assert masks.masks[0, 0, 122:136, 194:208].min() > 0.8
    assert masks.masks[0, 0, 100:110, 225:240].max() == 0


def test_a_face_that_agrees_passes_as_it_is(astronaut, astronaut_face):
    crop = align_face(astronaut, astronaut_face, 256)
    face = RestoredFace(crop, (crop.pixels * 1.03).clamp(0, 1))
    assert KeepContent().protect(face, astronaut) is face


@pytest.mark.parametrize("task", sorted(name for name, task in TASKS.items() if not task.keeps_colors))
def test_models_that_are_to_change_content_may(occluded, task):
    frame, face = occluded
    face = replace(face, task=task)
    assert KeepContent().protect(face, frame) is face


def test_the_step_is_taken_unless_protection_is_off():
    assert any(isinstance(step, KeepContent) for step in protections_for(ProtectOptions("auto")))
    assert protections_for(ProtectOptions("off")) == ()

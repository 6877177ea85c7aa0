"""Faces of one person, by dlib's network where it is installed, and by what a reference must be."""

import importlib.util
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from gpen_core.errors import ImageError, OptionError
from gpen_core.faces.identity import Embedder, find_embedder
from gpen_core.faces.moving import moved
from gpen_core.faces.selection import SAME_PERSON, choose_faces, reference_of
from gpen_core.geometry import crop_affine

POINTS = ((5.0, 6.0), (11.0, 6.0), (8.0, 9.0), (5.5, 12.0), (10.5, 12.0))
PIXELS = Embedder(16, POINTS, lambda faces: faces.flatten(1).double() - 0.5, True, "the pixels themselves")


@pytest.fixture
def dlib():
    if importlib.util.find_spec("dlib") is None or importlib.util.find_spec("face_recognition_models") is None:
        pytest.skip("dlib's face recognition is not installed: pip install dlib-bin face_recognition_models")
    return find_embedder(())


@pytest.fixture
def two_people(astronaut, astronaut_face):
    """The astronaut, beside herself turned upside down in color: another face, at the same place of another frame."""
    return torch.stack((astronaut, 1 - astronaut)), (astronaut_face, replace(astronaut_face, frame=1))


@pytest.mark.parametrize("scale", [1, 2])
def test_a_face_is_most_like_itself_at_any_size(two_people, astronaut_face, scale):
    frames, faces = two_people
    small = F.interpolate(frames, scale_factor=1 / scale, mode="area")
    similar = reference_of(frames[:1], faces[:1], PIXELS).similarities(small, faces)
    assert similar[faces[0]] == pytest.approx(1, abs=0.02) and similar[faces[1]] < 0.1


def test_only_the_person_is_chosen_and_the_others_say_why(two_people):
    frames, faces = two_people
    reference = reference_of(frames[:1], faces[:1], PIXELS)
    selection = choose_faces(faces, likeness=reference.likeness(frames, faces))
    assert selection.chosen == faces[:1]
    assert "to the reference, below 0.4" in selection.choices[1].why and selection.choices[1].state == "limits"
    assert choose_faces((), likeness=reference.likeness(frames, ())).chosen == ()


def test_the_largest_face_of_each_reference_counts(two_people, astronaut_face):
    frames, faces = two_people
    small = moved(astronaut_face, crop_affine(60, 60), (512, 512))
    small = replace(small, box=(0.0, 0.0, 20.0, 20.0))
    reference = reference_of(frames, (small, *faces), PIXELS)
    assert len(reference.vectors) == 2
    assert min(reference.similarities(frames, faces).values()) == pytest.approx(1, abs=1e-6)


def test_a_reference_without_a_face_is_named(two_people):
    with pytest.raises(ImageError, match="no face was found in the reference"):
        reference_of(two_people[0], (), PIXELS)
    with pytest.raises(OptionError, match="similarity to the reference"):
        reference_of(*two_people, PIXELS, least=1.5)
    with pytest.raises(ImageError, match="512×512"):
        reference_of(two_people[0][..., :300], two_people[1], PIXELS)


def test_a_recognition_network_takes_a_changed_photograph_for_the_same_person(dlib, astronaut, astronaut_face):
    darker = (astronaut * 0.6 + 0.1)[None].flip(3)
    left, right, nose, left_mouth, right_mouth = ((511 - x, y) for x, y in astronaut_face.landmarks)
    x0, y0, x1, y1 = astronaut_face.box
    mirrored = replace(
        astronaut_face, box=(511 - x1, y0, 511 - x0, y1), landmarks=(right, left, nose, right_mouth, left_mouth)
    )
    (similarity,) = reference_of(astronaut[None], [astronaut_face], dlib).similarities(darker, [mirrored]).values()
    assert similarity > SAME_PERSON

"""What of a restoration is taken: by the real estimator of quality, on a real photograph."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from pipeline_harness.known import KnownFaces

from gpen_core.errors import OptionError
from gpen_core.faces.alignment import align_face
from gpen_core.faces.identity import Embedder
from gpen_core.imaging.detail import fine_band
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.pipeline import BlendOptions, ProtectOptions, ProtectTools, Settings, protect_faces, restore_image
from gpen_core.pipeline.blend import blend_frame
from gpen_core.pipeline.hooks import Hooks
from gpen_core.pipeline.protect import protections_for
from gpen_core.pipeline.protect.detail import KeepDetail
from gpen_core.pipeline.protect.identity import KeepIdentity
from gpen_core.pipeline.protect.strength import GOOD, RUINED, MatchStrength, strength_for
from gpen_core.types import FaceFacts, RestoredFace


class Judge:
    """An estimator that says what it was told."""

    def __init__(self, quality):
        self.quality = quality

    def qualities(self, crops):
        return [self.quality] * len(crops)


def smoothed(picture, times=3):
    for _ in range(times):
        picture = F.avg_pool2d(picture[None], 3, 1, 1, count_include_pad=False)[0]
    return picture


@pytest.fixture(scope="module")
def large(astronaut):
    """[3, 1536, 1536] with a face of 290 px across, sharp at that size as far as a photograph of 512 px can be."""
    return resize_lanczos(astronaut, (1536, 1536))


@pytest.fixture
def blurred_face(large, astronaut_face):
    """As a model of 64 px that smooths would restore it; a tenth of what the picture shows."""
    crop = align_face(large, astronaut_face, 64)
    return RestoredFace(crop, smoothed(crop.pixels, 1), facts=FaceFacts(290, model="small", model_size=64))


def test_off_is_bit_for_bit_what_no_protection_gives(astronaut, astronaut_face, tiny_model):
    frames, detector = astronaut[None], KnownFaces(astronaut_face)
    off = restore_image(frames, tiny_model, detector, Settings(protect=ProtectOptions("off")))
    faces = [RestoredFace(crop := align_face(astronaut, astronaut_face, 32), tiny_model(crop.pixels[None])[0].clone())]
    picture, mask = blend_frame(astronaut, faces, BlendOptions())
    assert torch.equal(off.frames[0], picture) and torch.equal(off.mask[0], mask)
    assert protections_for(ProtectOptions("off")) == ()


def test_strength_never_rises_with_quality_and_reaches_both_ends():
    strengths = [strength_for(step / 100) for step in range(101)]
    assert all(a >= b for a, b in pairwise(strengths))
    assert strength_for(RUINED) == 1 and strength_for(GOOD) == 0


def test_a_face_that_needs_nothing_is_left_bit_for_bit(astronaut, astronaut_face, tiny_model):
    tools = ProtectTools(quality=Judge(1.0))
    result = restore_image(astronaut[None], tiny_model, KnownFaces(astronaut_face), tools=tools)
    assert torch.equal(result.frames[0], astronaut) and not result.mask.any()
    (facts,), (face,) = result.facts, result.faces
    assert facts.strength == 0 and facts.quality == face.quality == 1
    assert "needs nothing" in facts.notes[0]


def test_facts_say_what_was_taken_and_from_which_model(astronaut, astronaut_face, tiny_model):
    result = restore_image(astronaut[None], tiny_model, KnownFaces(astronaut_face), tools=ProtectTools(Judge(0.0)))
    (facts,) = result.facts
    assert (facts.strength, facts.model, facts.model_size, facts.size) == (1.0, "tiny", 32, 97.0)


def fine_energy(picture, face):
    """Of the middle of a face in a picture of 1536 px, well beyond what 64 px can show of it."""
    x0, y0, x1, y1 = (round(edge * 3) for edge in face.box)
    return float(fine_band(picture[:, y0 + 60 : y1 - 60, x0 + 50 : x1 - 50], 0.3).square().sum())


def test_a_small_model_leaves_a_large_sharp_face_its_detail(large, astronaut_face, blurred_face):
    (kept,) = protect_faces(large[None], [blurred_face], [KeepDetail(lambda text: None)])
    options = BlendOptions(color="off")
    before, after = (
        fine_energy(large, astronaut_face),
        fine_energy(blend_frame(large, [kept], options)[0], astronaut_face),
    )
    assert after >= 0.97 * before
    assert fine_energy(blend_frame(large, [blurred_face], options)[0], astronaut_face) < 0.3 * before


def test_a_small_model_does_not_give_a_large_noisy_face_its_noise_back(large, astronaut_face, blurred_face):
    noise = torch.randn(large.shape, generator=torch.Generator().manual_seed(0)) * 12 / 255
    noisy = (large + noise).clamp(0, 1)
    crop = align_face(noisy, astronaut_face, 64)
    face = replace(blurred_face, crop=crop, pixels=smoothed(crop.pixels, 1))
    (kept,) = protect_faces(noisy[None], [face], [KeepDetail(lambda text: None)])
    options = BlendOptions(color="off")
    left = fine_energy(blend_frame(noisy, [kept], options)[0] - blend_frame(large, [kept], options)[0], astronaut_face)
    assert left < 0.15 * fine_energy(noisy - large, astronaut_face)


def test_a_face_that_the_model_shows_whole_gets_no_detail(astronaut, astronaut_face):
    crop = align_face(astronaut, astronaut_face, 512)
    (same,) = protect_faces(astronaut[None], [RestoredFace(crop, crop.pixels)], [KeepDetail(lambda text: None)])
    assert same.detail is None and same.facts.notes == ()


def test_a_larger_model_is_suggested_once_a_run(large, blurred_face):
    said = []
    faces = list(protect_faces(large[None], [blurred_face] * 3, [KeepDetail(said.append)]))
    assert len(said) == 1 and "GPEN-BFR-512" in said[0]
    assert all(face.facts.notes == (said[0],) for face in faces)


@pytest.fixture
def tint_embedder():
    """Sees nothing but color: how far a face has moved from the original is exactly known."""
    points = ((10, 12), (22, 12), (16, 18), (11, 24), (21, 24))
    return Embedder(32, points, lambda faces: faces.mean((2, 3)).double(), False, "mean color")


@pytest.mark.parametrize("floor", [0.8, 0.9, 0.97])
def test_strength_is_lowered_until_the_floor_holds_and_that_is_said(astronaut, astronaut_face, tint_embedder, floor):
    crop = align_face(astronaut, astronaut_face, 64)
    foreign = RestoredFace(crop, crop.pixels.roll(1, 0) * 0.5)
    (free,) = protect_faces(astronaut[None], [foreign], [KeepIdentity(tint_embedder)])
    (held,) = protect_faces(astronaut[None], [foreign], [KeepIdentity(tint_embedder, floor)])
    assert free.strength == 1 and free.facts.similarity < 0.8 and not free.facts.notes
    assert held.facts.similarity >= floor and 0 < held.strength < 1
    assert held.facts.similarity < floor + 0.05  # no lower than needed
    assert "Strength lowered" in held.facts.notes[0]


def test_a_floor_holds_with_protection_off(astronaut, astronaut_face, tiny_model, tint_embedder):
    wish = Settings(protect=ProtectOptions("off", min_similarity=0.95))
    result = restore_image(
        astronaut[None], tiny_model, KnownFaces(astronaut_face), wish, tools=ProtectTools(identity=tint_embedder)
    )
    (facts,) = result.facts
    assert facts.similarity >= 0.95 and 0 < facts.strength < 1 and facts.quality is None
    assert "Strength lowered" in facts.notes[0]


@pytest.mark.parametrize("asked", [0.0, 0.3])
def test_facts_are_of_the_strength_that_was_asked_for(astronaut, astronaut_face, tiny_model, tint_embedder, asked):
    """A strength that keeps the floor by itself is not lowered; nothing is said to be taken where nothing is."""
    wish = Settings(blend=BlendOptions(strength=asked), protect=ProtectOptions(min_similarity=0.9))
    (facts,) = restore_image(
        astronaut[None], tiny_model, KnownFaces(astronaut_face), wish, tools=ProtectTools(Judge(0.0), tint_embedder)
    ).facts
    assert facts.strength == pytest.approx(asked) and facts.similarity > 0.9
    assert not any("lowered" in note or "taken" in note for note in facts.notes)
    if asked == 0:
        assert facts.similarity == pytest.approx(1)


def test_the_note_on_a_fairly_good_face_counts_the_strength_asked_for(astronaut, astronaut_face, tiny_model):
    notes = []
    for asked in (0.0, 0.5, 1.0):
        wish, tools = Settings(blend=BlendOptions(strength=asked)), ProtectTools(Judge((GOOD + RUINED) / 2))
        (facts,) = restore_image(astronaut[None], tiny_model, KnownFaces(astronaut_face), wish, tools=tools).facts
        assert facts.strength == pytest.approx(asked / 2)
        notes.append([note for note in facts.notes if "fairly good" in note])
    assert notes[0] == [] and "25 % of" in notes[1][0] and "50 % of" in notes[2][0]


def test_a_floor_without_a_network_is_said_for_each_face(astronaut, astronaut_face, tiny_model):
    options = Settings(protect=ProtectOptions(min_similarity=0.5))
    result = restore_image(
        astronaut[None], tiny_model, KnownFaces(astronaut_face), options, tools=ProtectTools(Judge(0.0))
    )
    assert result.facts[0].similarity is None and "not measured" in result.facts[0].notes[-1]


def test_models_that_change_more_than_quality_are_not_held_back(astronaut, astronaut_face):
    crop = align_face(astronaut, astronaut_face, 64)
    colored = RestoredFace(crop, crop.pixels.flip(0), "colorization")
    (same,) = protect_faces(astronaut[None], [colored], [MatchStrength(Judge(1.0))])
    assert same is colored


def test_the_steps_are_of_one_run(large, blurred_face):
    """A suggestion said in one run is said again in the next."""
    said = []
    for _ in range(2):
        steps = protections_for(ProtectOptions(), ProtectTools(Judge(0.0)), Hooks(say=said.append))
        list(protect_faces(large[None], [blurred_face], steps))
    assert len(said) == 2


@pytest.mark.parametrize("wrong", [{"mode": "always"}, {"min_similarity": 1.5}])
def test_options_outside_their_range_are_refused(wrong):
    with pytest.raises(OptionError):
        ProtectOptions(**wrong)

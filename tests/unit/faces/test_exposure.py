"""Badly exposed pictures: what the built-in detector sees of them, and what that costs a good one."""

import importlib.util

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.faces.detectors import MultiPassDetector, load_mtcnn
from gpen_core.faces.detectors.exposure import Exposure
from gpen_core.faces.detectors.sightings import Sighting, borne_out

RED = torch.tensor([0.5, 0.06, 0.02])[:, None, None]


def eight_bits(frame):
    return (frame.clamp(0, 1) * 255).round() / 255


def with_lamp(frame):
    dark = frame * 0.06
    dark[:, :50, :100] = 1
    return eight_bits(dark)


POOR = {
    "a print of 15 % contrast": lambda frame: eight_bits(frame * 0.15 + 0.4),
    "washed out": lambda frame: eight_bits(1 - (1 - frame) * 0.15),
    "a tenth of the light": lambda frame: eight_bits(frame * 0.1),
    "a twentieth of the light": lambda frame: eight_bits(frame * 0.05),
    "red light": lambda frame: eight_bits(frame * RED),
}


class Counting(MultiPassDetector):
    """How often a frame was searched."""

    searches = 0

    def search(self, frame, seen=None):
        self.searches += 1
        return super().search(frame, seen)


@pytest.fixture
def detector():
    if importlib.util.find_spec("mtcnn") is None:  # its files are read; the package itself is never imported
        pytest.skip("the mtcnn package is not installed")
    return Counting(load_mtcnn("cpu"))


@pytest.mark.parametrize("name", list(POOR))
def test_a_face_that_is_plainly_there_is_found_where_it_is(detector, astronaut, name):
    (face,) = detector.detect(POOR[name](astronaut))
    (expected,) = Counting(detector.network).detect(astronaut)
    assert face.box == pytest.approx(expected.box, abs=0.1 * expected.width)
    assert detector.searches == 1  # in the stretched picture, and nowhere else


def test_an_over_exposed_face_is_found_in_the_channel_that_still_shows_it(detector, astronaut):
    over = eight_bits(astronaut * 2)  # red is clipped all over the face
    assert MultiPassDetector.search(detector, over) == [] and len(detector.detect(over)) == 1


def test_white_that_reaches_the_border_is_a_ground_and_islands_of_white_are_over_exposed(astronaut):
    gray = astronaut.mean(0, keepdim=True).expand(3, -1, -1)
    on_white = torch.nn.functional.pad(gray * 0.9, (128,) * 4, value=1.0)
    assert not Exposure.of(on_white).is_over
    burnt = gray * 0.9
    burnt[:, 100:250, 100:250] = 1
    assert Exposure.of(burnt).is_over and not Exposure.of(burnt).is_clipped


def seen(score, x=0.0, rendering_side=60.0):
    box = (x, 0.0, x + 40, 50.0)
    points = ((x + 10, 15.0), (x + 30, 15.0), (x + 20, 25.0), (x + 12, 38.0), (x + 28, 38.0))
    return Sighting(box, score, points, rendering_side)


def test_what_one_rendering_shows_alone_is_not_borne_out_however_plain_it_is():
    assert borne_out([[seen(0.99)], [], []], accept=0.85, sure=0.93) == []
    assert borne_out([[seen(0.99)], [seen(0.99, x=100)], []], accept=0.85, sure=0.93) == []


def test_two_renderings_must_be_sure_and_three_may_doubt():
    assert borne_out([[seen(0.9)], [seen(0.8)]], accept=0.85, sure=0.93) == []
    assert len(borne_out([[seen(0.97)], [seen(0.91)]], accept=0.85, sure=0.93)) == 1
    (face,) = borne_out([[seen(0.9)], [seen(0.7)], [], [seen(0.65)]], accept=0.85, sure=0.93)
    assert face.score == 0.9
    assert borne_out([[seen(0.8)], [seen(0.7)], [seen(0.7)]], accept=0.85, sure=0.93) == []


def test_a_good_picture_is_searched_once(detector, astronaut):
    assert len(detector.detect(astronaut)) == 1 and detector.searches == 1


def test_a_picture_without_a_face_gets_none_by_stretching(detector, astronaut):
    sky = astronaut[:, :220, 300:]
    for change in (lambda frame: frame, *POOR.values(), with_lamp):
        assert detector.detect(change(sky)) == ()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_empty_picture_is_searched_once(detector, value):
    assert detector.detect(torch.full((3, 64, 64), value)) == () and detector.searches == 1


@given(st.floats(0.05, 1), st.floats(0, 0.95), st.integers(0, 5))
def test_stretching_undoes_a_fade(contrast, lift, seed):
    frame = torch.rand(3, 32, 48, generator=torch.Generator().manual_seed(seed))
    faded = frame * contrast + lift * (1 - contrast)
    exposure = Exposure.of(faded)
    assert torch.allclose(exposure.stretched(faded), Exposure.of(frame).stretched(frame), atol=2e-3)
    assert exposure.is_poor == (exposure.spread < 0.45)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 40), st.integers(1, 40))
def test_any_frame_is_stretched_to_finite_values_between_0_and_1(low, high, height, width):
    frame = torch.linspace(low, high, 3 * height * width).view(3, height, width)
    exposure = Exposure.of(frame)
    for made in (exposure.stretched(frame), Exposure.of(Exposure.darkest(frame)).stretched(Exposure.darkest(frame))):
        assert made.shape == frame.shape and bool(torch.isfinite(made).all()) and made.min() >= 0 and made.max() <= 1


def test_small_things_on_an_even_ground_are_not_cut_off(astronaut):
    ground = torch.full((3, 1200, 1600), 0.35)
    ground[:, 500:564, 700:764] = astronaut[:, 60:188:2, 160:288:2]
    stretched = Exposure.of(ground).stretched(ground)[:, 500:564, 700:764]
    assert stretched.std() > 0.15  # of the astronaut's own 0.3; the tails of 1 % hold nothing but ground

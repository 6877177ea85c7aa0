"""What augmentation may change, and that it is drawn, not made up."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import data, transform

from gpen_core.errors import OptionError
from gpen_core.lab.training.augmentation import AugmentationConfig, augment

EVERYTHING = AugmentationConfig(8.0, 0.1, 0.05, 0.5, 0.3, 0.4, 0.1, 0.5)


def face(size=128):
    return transform.resize(data.astronaut()[0:256, 96:352], (size, size), anti_aliasing=True).astype(np.float32)


def made(seed, pixels=None, **settings):
    return augment(face() if pixels is None else pixels, AugmentationConfig(**settings), np.random.default_rng(seed))


def test_nothing_asked_for_is_the_same_picture_and_draws_nothing():
    random, pixels = np.random.default_rng(3), face()
    assert augment(pixels, AugmentationConfig(), random) is pixels
    assert random.random() == np.random.default_rng(3).random()


def test_the_same_seed_gives_the_same_picture_and_another_does_not():
    def one(seed):
        return augment(face(), EVERYTHING, np.random.default_rng(seed))

    np.testing.assert_array_equal(one(1), one(1))
    assert np.abs(one(1) - one(2)).mean() > 0.01


@pytest.mark.parametrize("seed", range(12))
def test_results_are_pictures_and_the_original_is_left_alone(seed):
    pixels = face(64)
    before = pixels.copy()
    found = augment(pixels, EVERYTHING, np.random.default_rng(seed))
    assert found.shape == pixels.shape and found.dtype == np.float32 and found.flags.c_contiguous
    assert found.min() >= 0 and found.max() <= 1
    np.testing.assert_array_equal(pixels, before)


def test_shifts_are_shares_of_the_side_in_both_directions():
    """A dot, by whose middle of mass the shift is read off."""
    dot = np.zeros((101, 101, 3), np.float32)
    dot[50, 50] = 1
    dot = ndimage.gaussian_filter(dot, (2, 2, 0)) * 20
    found = np.array([ndimage.center_of_mass(made(seed, dot, shift=0.1)[:, :, 0]) for seed in range(60)]) - 50
    assert np.abs(found).max() <= 10.1 + 0.2
    assert (found.min(0) < -5).all() and (found.max(0) > 5).all()


def test_a_turn_keeps_distances_and_stays_below_its_limit():
    dots = np.zeros((129, 129, 3), np.float32)
    dots[64, 96] = 1
    dots = ndimage.gaussian_filter(dots, (2, 2, 0)) * 20
    for seed in range(20):
        y, x = np.subtract(ndimage.center_of_mass(made(seed, dots, rotation=20.0)[:, :, 0]), 64)
        assert np.hypot(x, y) == pytest.approx(32, abs=0.2)
        assert abs(np.degrees(np.arctan2(y, x))) <= 20.2


def test_exposure_leaves_black_and_white_and_moves_the_middle():
    gray = np.full((8, 8, 3), 0.5, np.float32)
    middles = [made(seed, gray, exposure=1.0).mean() for seed in range(40)]
    assert 0.25 <= min(middles) < 0.35 and 0.65 < max(middles) <= 0.7072
    for value in (0.0, 1.0):
        np.testing.assert_allclose(made(0, np.full((8, 8, 3), value, np.float32), exposure=1.0), value)


def test_temperature_keeps_the_brightness_of_gray():
    luma = np.array([0.299, 0.587, 0.114])
    found = np.array([made(seed, np.full((4, 4, 3), 0.4, np.float32), temperature=0.2)[0, 0] for seed in range(20)])
    np.testing.assert_allclose(found @ luma, 0.4, atol=1e-6)
    assert np.ptp(found[:, 0] - found[:, 2]) > 0.1


def test_saturation_leaves_gray_pictures_gray_and_brightness_as_it_is():
    pixels = face() * 0.5 + 0.25
    luma = np.array([0.299, 0.587, 0.114])
    for seed in range(8):
        np.testing.assert_allclose(made(seed, pixels, saturation=0.3) @ luma, pixels @ luma, atol=1e-5)
    gray = np.repeat(pixels[:, :, :1], 3, 2)
    np.testing.assert_allclose(made(0, gray, saturation=0.3), gray, atol=1e-6)


def test_something_covers_a_part_as_often_as_is_asked_for():
    pixels = face()
    shares = np.array(
        [(np.abs(made(seed, pixels, occlusion=0.4) - pixels).max(2) > 1e-3).mean() for seed in range(300)]
    )
    assert (shares > 0).mean() == pytest.approx(0.4, abs=5 * (0.24 / 300) ** 0.5)
    assert shares.max() < 0.4, "most of the face is left"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rotation": -1.0}, "rotation is 0 or more"),
        ({"exposure": float("nan")}, "exposure is 0 or more"),
        ({"zoom": 1.0}, "zoom, contrast, saturation and temperature are below 1"),
        ({"shift": 0.6}, "shift at most 0.5"),
        ({"occlusion": 1.1}, "occlusion is a probability"),
    ],
)
def test_settings_without_meaning_are_refused_by_name(settings, message):
    with pytest.raises(OptionError, match=message):
        AugmentationConfig(**settings)

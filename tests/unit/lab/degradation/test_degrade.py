"""What each degradation does to pixels: against SciPy, Pillow, and statistics of flat pictures."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from skimage import data, transform

from gpen_core.errors import ImageError
from gpen_core.lab.degradation import RECIPES, Degradation, degrade, draw
from gpen_core.lab.degradation.degrade import through_jpeg, through_webp
from gpen_core.lab.degradation.kernels import gaussian_kernel, motion_kernel

NOTHING = Degradation()


def random(seed=0):
    return np.random.default_rng(seed)


def face(size=128):
    """scikit-image's astronaut's face, [size, size, 3] float32."""
    return transform.resize(data.astronaut()[0:256, 96:352], (size, size), anti_aliasing=True).astype(np.float32)


def low(pixels, **stages):
    return degrade(pixels, replace(NOTHING, **stages), random()).low


def flat(value=0.5, size=128):
    return np.full((size, size, 3), value, dtype=np.float32)


def psnr(a, b):
    return -10 * np.log10(np.mean((a.astype(np.float64) - b) ** 2))


# --- the whole ---


def test_no_degradation_is_the_identity():
    pixels = face()
    result = degrade(pixels, NOTHING, random())
    np.testing.assert_array_equal(result.low, pixels)
    np.testing.assert_array_equal(result.target, pixels)


@pytest.mark.parametrize("recipe", RECIPES)
@given(size=st.integers(2, 72), seed=st.integers(0, 2**32))
def test_whatever_is_drawn_the_results_are_pictures_of_the_same_size(recipe, size, seed):
    draws = random(seed)
    pixels = draws.random((size, size, 3), dtype=np.float32)
    before = pixels.copy()
    degradation = draw(RECIPES[recipe], draws)
    result = degrade(pixels, degradation, draws)
    for picture in (result.low, result.target):
        assert picture.shape == (size, size, 3) and picture.dtype == np.float32
        assert picture.min() >= 0 and picture.max() <= 1
        assert picture.flags.c_contiguous
    np.testing.assert_array_equal(pixels, before)
    if not degradation.gray:
        np.testing.assert_array_equal(result.target, pixels[:, ::-1] if degradation.flip else pixels)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_same_seed_gives_the_same_pixels_and_another_does_not(recipe):
    def made(seed):
        draws = random(seed)
        return degrade(face(64), draw(RECIPES[recipe], draws), draws).low

    np.testing.assert_array_equal(made(5), made(5))
    assert np.abs(made(5) - made(6)).max() > 0.01


@pytest.mark.parametrize("shape", [(8, 9, 3), (8, 8), (8, 8, 4), (3, 8, 8)])
def test_what_is_no_square_rgb_picture_is_refused(shape):
    with pytest.raises(ImageError, match=r"\[S, S, 3\]"):
        degrade(np.zeros(shape, dtype=np.float32), NOTHING, random())


# --- blur ---


@pytest.mark.parametrize("sigma", [0.1, 1.0, 3.3, 10.0])
def test_isotropic_blur_is_scipys_gaussian_cut_at_the_kernels_side(sigma):
    pixels = face(512)
    expected = ndimage.gaussian_filter(pixels.astype(np.float64), (sigma, sigma, 0), mode="mirror", radius=(20, 20, 0))
    np.testing.assert_allclose(low(pixels, blur="gaussian", sigma=(sigma, sigma)), expected, atol=1e-5)


@pytest.mark.parametrize(("angle", "rows_columns"), [(0, (1.5, 6)), (np.pi / 2, (6, 1.5)), (-np.pi, (1.5, 6))])
def test_anisotropic_blur_is_strong_along_its_angle_and_weak_across(angle, rows_columns):
    pixels = face(512)
    expected = ndimage.gaussian_filter(pixels.astype(np.float64), (*rows_columns, 0), mode="mirror", radius=(20, 20, 0))
    np.testing.assert_allclose(low(pixels, blur="gaussian", sigma=(6, 1.5), angle=angle), expected, atol=1e-5)


@pytest.mark.parametrize("angle", [0.3, 1.0, 2.5])
def test_a_turned_kernel_has_the_covariance_of_its_sigmas_and_angle(angle):
    kernel = gaussian_kernel(81, (6, 2), angle)
    y, x = np.mgrid[:81, :81] - 40
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    expected = turn @ np.diag([36, 4]) @ turn.T
    found = [[(kernel * x * x).sum(), (kernel * x * y).sum()], [(kernel * x * y).sum(), (kernel * y * y).sum()]]
    np.testing.assert_allclose(found, expected, atol=0.02)


@given(side=st.integers(0, 20).map(lambda n: 2 * n + 1), length=st.floats(0.1, 60), angle=st.floats(-np.pi, np.pi))
def test_motion_kernels_keep_brightness_and_place(side, length, angle):
    kernel = motion_kernel(side, length, angle)
    assert kernel.sum() == pytest.approx(1) and kernel.min() >= 0
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-12)


@pytest.mark.parametrize("length", [3, 9, 21])
def test_motion_along_x_is_a_mean_over_its_length(length):
    pixels = face(512)
    expected = ndimage.uniform_filter1d(pixels.astype(np.float64), length, axis=1, mode="mirror")
    np.testing.assert_allclose(low(pixels, blur="motion", length=length, angle=0.0), expected, atol=1e-5)


def test_motion_blurs_along_its_angle_only():
    """Stripes at 30° to x pass motion along themselves almost unharmed; across themselves nearly nothing is left."""
    y, x = np.mgrid[:512, :512]
    angle = np.radians(30)
    waves = 0.5 + 0.4 * np.sin(2 * np.pi * (-x * np.sin(angle) + y * np.cos(angle)) / 16)
    stripes = np.repeat(waves[:, :, None], 3, axis=2).astype(np.float32)
    inside = (slice(30, -30),) * 2
    along, across = (low(stripes, blur="motion", length=32, angle=a)[inside].std() for a in (angle, angle + np.pi / 2))
    assert along > 0.85 * stripes.std() and across < 0.15 * stripes.std()


# --- scaling with the crop ---


@pytest.mark.parametrize(
    "stages",
    [
        {"blur": "gaussian", "sigma": (8.0, 8.0)},
        {"blur": "gaussian", "sigma": (9.0, 3.0), "angle": 0.7},
        {"blur": "motion", "length": 31.0, "angle": 0.4},
    ],
)
def test_blur_scales_with_the_crop(stages):
    """A face of 256 px blurred looks like the face of 512 px blurred, then halved; not like one blurred twice as much."""
    large = face(512)
    small = transform.downscale_local_mean(large, (2, 2, 1)).astype(np.float32)
    expected = transform.downscale_local_mean(low(large, **stages), (2, 2, 1))
    assert psnr(low(small, **stages), expected) > 40
    assert psnr(small, expected) < 30


def test_shrinking_leaves_the_same_share_of_every_crop():
    for size in (64, 256):
        stripes = np.zeros((size, size, 3), dtype=np.float32)
        stripes[:, ::2] = 1  # nothing so fine survives being shrunk twofold
        assert np.abs(low(stripes, downsample=2.0)[:, 4:-4] - 0.5).max() < 1e-6


# --- shrinking, noise, JPEG ---


def test_shrinking_keeps_the_picture_where_it_was():
    """A ramp stays the ramp, but for its ends: a shift of half a pixel would show."""
    ramp = np.repeat(np.linspace(0, 1, 128, dtype=np.float32)[None, :, None].repeat(128, 0), 3, axis=2)
    for factor in (0.8, 2.0, 4.0, 8.0):
        inside = slice(16, -16)
        np.testing.assert_allclose(low(ramp, downsample=factor)[:, inside], ramp[:, inside], atol=1e-4)


def test_stronger_shrinking_leaves_less():
    pixels = face(256)
    left = [psnr(low(pixels, blur="gaussian", sigma=(6, 6), downsample=factor), pixels) for factor in (1, 4, 8, 16)]
    assert left == sorted(left, reverse=True) and left[0] - left[-1] > 3


@pytest.mark.parametrize("sigma", [5.0, 20.0])
def test_noise_on_flat_gray_has_its_sigma_and_no_bias_and_no_pattern(sigma):
    noise = low(flat(size=256), noise_sigma=sigma).astype(np.float64) * 255 - 127.5
    assert noise.std() == pytest.approx(sigma, rel=0.01)
    assert abs(noise.mean()) < 5 * sigma / noise.size**0.5
    for other in (np.roll(noise, 1, 0), np.roll(noise, 1, 1), np.roll(noise, 1, 2)):
        assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 5 / noise.size**0.5


def test_jpeg_quality_matters_and_matches_pillows_files():
    pixels = face(256)
    values = []
    for quality in (5, 30, 60, 95):
        found = low(pixels, jpeg_quality=quality)
        file = io.BytesIO()
        Image.fromarray((pixels * 255).round().astype(np.uint8)).save(
            file, "JPEG", quality=quality, subsampling="4:2:0"
        )
        pillows = np.asarray(Image.open(file), dtype=np.float32) / 255
        assert np.abs(found - pillows).mean() < 1.5 / 255
        values.append(psnr(found, pixels))
    assert values == sorted(values) and values[-1] - values[0] > 8


def test_jpeg_keeps_the_order_of_colors():
    for channel in range(3):
        pixels = flat(0.2, 32)
        pixels[:, :, channel] = 0.8
        np.testing.assert_allclose(through_jpeg(pixels, 95), pixels, atol=0.02)


def test_noise_comes_after_shrinking_and_before_jpeg():
    """Noise of the small picture is enlarged with it: neighbors share it. And JPEG takes some of it away."""
    noise = low(flat(), downsample=4.0, noise_sigma=20.0)[:, :, 0] - 0.5
    assert np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1] > 0.8
    compressed = low(flat(), noise_sigma=5.0, jpeg_quality=5)
    assert compressed.std() < 0.3 * 5 / 255


# --- colors and mirroring ---


def test_gray_is_the_luma_of_bt_601_in_both_pictures():
    pixels = face()
    result = degrade(pixels, replace(NOTHING, gray=True), random())
    luma = (pixels.astype(np.float64) @ [0.299, 0.587, 0.114])[:, :, None].repeat(3, axis=2)
    np.testing.assert_allclose(result.low, luma, atol=1e-6)
    np.testing.assert_allclose(result.target, luma, atol=1e-6)


def test_the_target_keeps_its_colors_where_the_recipe_says_so():
    pixels = face()
    result = degrade(pixels, replace(NOTHING, gray=True, gray_target=False), random())
    np.testing.assert_array_equal(result.target, pixels)
    assert np.ptp(result.low, axis=2).max() == 0


def test_mirroring_turns_both_pictures():
    pixels = face()
    stages = replace(NOTHING, blur="gaussian", sigma=(2.0, 2.0), flip=True)
    result = degrade(pixels, stages, random())
    np.testing.assert_array_equal(result.target, pixels[:, ::-1])
    np.testing.assert_allclose(result.low, low(pixels, blur="gaussian", sigma=(2.0, 2.0))[:, ::-1], atol=1e-5)


# --- kernels, WebP, grain, a second round ---


@pytest.mark.parametrize(
    ("kernel", "resample"), [("bicubic", Image.Resampling.BICUBIC), ("lanczos", Image.Resampling.LANCZOS)]
)
def test_prefiltered_kernels_are_pillows_and_stay_in_range(kernel, resample):
    pixels = face(128)
    result = degrade(pixels, replace(NOTHING, downsample=2.0, shrinking=kernel, enlarging=kernel), random())
    channel = Image.fromarray(pixels[:, :, 1])
    small = np.clip(np.asarray(channel.resize((64, 64), resample)), 0, 1)
    expected = np.clip(np.asarray(Image.fromarray(small).resize((128, 128), resample)), 0, 1)
    np.testing.assert_allclose(result.small[:, :, 1], small, atol=1e-6)
    np.testing.assert_allclose(result.low[:, :, 1], expected, atol=1e-6)


def test_area_shrinking_is_the_mean_of_what_each_pixel_covers():
    pixels = face(128)
    small = degrade(pixels, replace(NOTHING, downsample=4.0, shrinking="area", enlarging="area"), random()).small
    np.testing.assert_allclose(small, pixels.reshape(32, 4, 32, 4, 3).mean((1, 3)), atol=1e-5)


def test_a_prefilter_keeps_a_fine_pattern_from_becoming_a_coarse_one():
    stripes = np.repeat((np.arange(256) % 3 == 0).astype(np.float32)[None, :, None], 256, 0).repeat(3, 2)
    made = {kernel: low(stripes, downsample=2.0, shrinking=kernel) for kernel in ("bilinear", "lanczos")}
    assert made["lanczos"][:, 16:-16].std() < 0.5 * made["bilinear"][:, 16:-16].std()


@pytest.mark.parametrize("quality", [20, 90])
def test_webp_is_pillows_reading_of_the_file_and_not_jpeg(quality):
    pixels = face(128)
    found = low(pixels, jpeg_quality=quality, webp=True)
    np.testing.assert_array_equal(found, through_webp(pixels, quality))
    buffer = io.BytesIO()
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(buffer, "WEBP", quality=quality, method=4)
    expected = np.asarray(Image.open(buffer).convert("RGB"), np.float32) / 255
    assert np.abs(found - expected).mean() < 1 / 255
    assert not np.array_equal(found, through_jpeg(pixels, quality))


def test_coarser_webp_is_worse():
    pixels = face(128)
    assert (
        psnr(through_webp(pixels, 10), pixels)
        < psnr(through_webp(pixels, 60), pixels)
        < psnr(through_webp(pixels, 98), pixels)
    )


@pytest.mark.parametrize("size", [1.0, 4.0])
def test_grain_is_gray_of_its_strength_and_correlated_over_its_size(size):
    grain = low(flat(0.5, 512), grain_sigma=10.0, grain_size=size) - 0.5
    np.testing.assert_allclose(grain, grain[:, :, :1].repeat(3, 2), atol=1e-6)
    assert grain.std() == pytest.approx(10 / 255, rel=0.02)
    beside = np.corrcoef(grain[:, :-2, 0].ravel(), grain[:, 2:, 0].ravel())[0, 1]
    assert beside == pytest.approx(np.exp(-((2 / (2 * size)) ** 2)), abs=0.05), "white noise blurred by σ"


def test_grain_leaves_black_and_white_alone():
    for value in (0.0, 1.0):
        np.testing.assert_array_equal(low(flat(value), grain_sigma=20.0, grain_size=1.0), flat(value))


def test_a_second_round_is_what_becomes_of_the_first_ones_picture():
    pixels = face(128)
    first, second = replace(NOTHING, downsample=2.0, jpeg_quality=50), replace(NOTHING, downsample=3.0, jpeg_quality=70)
    both = degrade(pixels, replace(first, again=second), random())
    expected = degrade(degrade(pixels, first, random()).low, second, random())
    np.testing.assert_array_equal(both.low, expected.low)
    np.testing.assert_array_equal(both.small, expected.small)
    np.testing.assert_array_equal(both.target, pixels)


def test_a_second_round_neither_mirrors_nor_takes_colors():
    pixels = face(64)
    both = degrade(pixels, replace(NOTHING, again=replace(NOTHING, flip=True, gray=True)), random())
    np.testing.assert_array_equal(both.low, pixels)

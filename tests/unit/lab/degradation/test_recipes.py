"""What recipes draw: statistics over many samples, and which recipes there may be."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gpen_core.errors import OptionError
from gpen_core.lab.degradation import RECIPES, DegradationRecipe, Range, Weighted, draw, draw_of

COUNT = 20_000
# Chance that a right share is called wrong, a few times in 10 000 000: seeds are fixed, so it either happened or it didn't.
DEVIATIONS = 5


def drawn(recipe, seed=0, count=COUNT):
    random = np.random.default_rng(seed)
    return [draw(recipe, random) for _ in range(count)]


@pytest.fixture(scope="module")
def released():
    return drawn(RECIPES["released"])


@pytest.fixture(scope="module")
def paper():
    return drawn(RECIPES["paper"])


def assert_share(found, expected):
    found = np.asarray(found)
    deviation = (expected * (1 - expected) / len(found)) ** 0.5
    assert abs(found.mean() - expected) <= DEVIATIONS * deviation


def assert_uniform(values, low, high):
    """Kolmogorov and Smirnov's test, and both ends reached to a thousandth."""
    values = np.asarray(values)
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-3
    assert low <= values.min() <= low + (high - low) / 1000
    assert high - (high - low) / 1000 <= values.max() <= high


def is_isotropic(degradation):
    return degradation.sigma[0] == degradation.sigma[1]


def test_released_blur_is_isotropic_half_of_the_time(released):
    assert_share([is_isotropic(d) for d in released], 0.5)
    assert {d.blur for d in released} == {"gaussian"} and {d.kernel for d in released} == {41}


def test_released_values_are_spread_evenly_over_their_ranges(released):
    assert_uniform([d.sigma[0] for d in released], 0.1, 10)
    assert_uniform([d.sigma[1] for d in released if not is_isotropic(d)], 0.1, 10)
    assert_uniform([d.angle for d in released if not is_isotropic(d)], -np.pi, np.pi)
    assert_uniform([d.downsample for d in released], 0.8, 8)
    assert_uniform([d.noise_sigma for d in released], 0, 20)


def test_released_jpeg_qualities_are_the_whole_numbers_of_their_range_alike(released):
    qualities, counts = np.unique([d.jpeg_quality for d in released], return_counts=True)
    assert qualities.tolist() == list(range(60, 101))
    inner = counts[1:-1]  # the two ends round from half as much
    assert stats.chisquare(inner).pvalue > 1e-3
    assert counts[[0, -1]].mean() == pytest.approx(inner.mean() / 2, rel=0.25)


def test_a_fifth_of_the_faces_loses_its_colors_and_half_are_mirrored(released):
    assert_share([d.gray for d in released], 0.2)
    assert_share([d.flip for d in released], 0.5)
    assert all(d.gray_target for d in released)


def test_the_papers_blur_is_gaussian_or_motion_alike(paper):
    assert_share([d.blur == "motion" for d in paper], 0.5)
    assert all(is_isotropic(d) for d in paper if d.blur == "gaussian")
    assert_uniform([d.length for d in paper if d.blur == "motion"], 3, 41)
    assert_uniform([d.angle for d in paper if d.blur == "motion"], -np.pi, np.pi)


def test_the_papers_values_are_spread_evenly_over_their_ranges(paper):
    assert_uniform([d.downsample for d in paper], 10, 200)
    assert_uniform([d.noise_sigma for d in paper], 0, 25)
    qualities = [d.jpeg_quality for d in paper]
    assert (min(qualities), max(qualities)) == (5, 50)
    assert not any(d.gray for d in paper)


def test_values_are_drawn_independently(released):
    """No pair of them correlates: of 20 000 samples, a chance correlation stays below 5/√20 000."""
    columns = [
        [getattr(d, name) for d in released]
        for name in ("downsample", "noise_sigma", "jpeg_quality", "angle", "gray", "flip")
    ]
    columns += [[d.sigma[0] for d in released], [is_isotropic(d) for d in released]]
    correlation = np.corrcoef(np.asarray(columns, dtype=float))
    assert np.abs(correlation - np.eye(len(columns))).max() < DEVIATIONS / COUNT**0.5


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_probabilities_are_kept(share):
    recipe = DegradationRecipe(blur_probability=share, gray_probability=share, flip_probability=share)
    samples = drawn(recipe, count=4000)
    assert_share([d.blur is not None for d in samples], share)
    assert_share([d.gray for d in samples], share)
    assert_share([d.flip for d in samples], share)


def test_blur_kinds_are_weighed_relative_to_each_other():
    recipe = DegradationRecipe(blur_isotropic=2, blur_anisotropic=1, blur_motion=5)
    samples = drawn(recipe, count=8000)
    assert_share([d.blur == "motion" for d in samples], 5 / 8)
    assert_share([d.blur == "gaussian" and is_isotropic(d) for d in samples], 2 / 8)


def test_the_same_seed_draws_the_same_and_another_does_not():
    recipe = RECIPES["released"]
    assert drawn(recipe, seed=3, count=20) == drawn(recipe, seed=3, count=20)
    assert not set(drawn(recipe, seed=3, count=20)) & set(drawn(recipe, seed=4, count=20))


def test_changing_one_range_leaves_the_other_draws_as_they_were():
    recipe = RECIPES["released"]
    before = drawn(recipe, count=50)
    after = drawn(replace(recipe, noise_sigma=Range(5, 50), blur_probability=0.3), count=50)
    assert [replace(d, noise_sigma=0, blur=None) for d in before] == [
        replace(d, noise_sigma=0, blur=None) for d in after
    ]


def test_an_empty_range_draws_its_one_value():
    recipe = DegradationRecipe(blur_sigma=Range(3, 3), downsample=Range(4, 4), jpeg_quality=Range(70, 70))
    for d in drawn(recipe, count=20):
        assert (d.sigma, d.downsample, d.jpeg_quality) == ((3, 3), 4, 70)


ranges = st.tuples(st.floats(0.5, 50), st.floats(0.5, 50)).map(sorted).map(lambda ends: Range(*ends))


@given(
    sigma=ranges,
    downsample=ranges,
    noise=ranges,
    quality=ranges,
    weights=st.tuples(*[st.floats(0, 9)] * 3),
    seed=st.integers(0, 99),
)
def test_whatever_the_recipe_draws_stay_within_it(sigma, downsample, noise, quality, weights, seed):
    if sum(weights) == 0:
        weights = (1.0, 0.0, 0.0)
    quality = Range(max(1, quality.low), max(1, quality.high))
    recipe = DegradationRecipe(
        *weights, blur_sigma=sigma, downsample=downsample, noise_sigma=noise, jpeg_quality=quality
    )
    for d in drawn(recipe, seed, count=5):
        assert all(sigma.low <= value <= sigma.high for value in d.sigma)
        assert downsample.low <= d.downsample <= downsample.high
        assert noise.low <= d.noise_sigma <= noise.high
        assert round(quality.low) <= d.jpeg_quality <= round(quality.high)
        assert weights[2] > 0 or d.blur == "gaussian"
        assert weights[0] + weights[1] > 0 or d.blur == "motion"


# --- which recipes there may be ---


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blur_probability": -0.1}, "blur_probability is a probability"),
        ({"gray_probability": 1.5}, "gray_probability is a probability"),
        ({"flip_probability": float("nan")}, "flip_probability is a probability"),
        ({"blur_isotropic": -1.0}, "none negative"),
        ({"blur_isotropic": 0.0, "blur_anisotropic": 0.0}, "not all 0"),
        ({"blur_kernel": 40}, "odd side"),
        ({"blur_kernel": -1}, "odd side"),
        ({"downsample_size": -1}, "downsample_size is a side in pixels"),
        ({"blur_sigma": Range(0, 10)}, "blur_sigma"),
        ({"downsample": Range(0, 8)}, "downsample"),
        ({"motion_length": Range(0.5, 8)}, "motion_length"),
        ({"noise_sigma": Range(-1, 8)}, "noise_sigma"),
        ({"jpeg_quality": Range(0, 50)}, "jpeg_quality"),
        ({"jpeg_quality": Range(60, 101)}, "jpeg_quality"),
        ({"webp_probability": 2.0}, "webp_probability is a probability"),
        ({"again_probability": -1.0}, "again_probability is a probability"),
        ({"kernels": ()}, "kernels are one or more of bilinear, area"),
        ({"kernels": ("bilinear", "sinc")}, "kernels are one or more of .* not .*sinc"),
        ({"grain_sigma": Range(-1, 3)}, "grain_sigma"),
        ({"grain_size": Range(0, 3)}, "grain_size"),
    ],
)
def test_settings_without_meaning_are_refused_by_name(settings, message):
    with pytest.raises(OptionError, match=message):
        DegradationRecipe(**settings)


@pytest.mark.parametrize("ends", [(2, 1), (float("nan"), 1), (1, float("nan"))])
def test_a_range_runs_upwards(ends):
    with pytest.raises(OptionError, match="from low to high"):
        Range(*ends)


def test_the_default_recipe_is_the_released_one():
    assert DegradationRecipe() == RECIPES["released"]


def test_every_range_of_a_recipe_can_be_configured():
    ranged = {field.name for field in fields(DegradationRecipe) if field.type == "Range"}
    assert ranged == {
        "blur_sigma",
        "motion_length",
        "downsample",
        "noise_sigma",
        "jpeg_quality",
        "grain_sigma",
        "grain_size",
    }


# --- what the published recipes lack ---

OFTEN = {
    "downsample_probability": 0.7,
    "noise_probability": 0.4,
    "jpeg_probability": 0.8,
    "webp_probability": 0.3,
    "grain_probability": 0.2,
    "again_probability": 0.5,
}


def test_each_stage_happens_as_often_as_its_probability_says():
    samples = drawn(DegradationRecipe(**OFTEN, kernels=("area", "bicubic", "lanczos")))
    assert_share([d.downsample is not None for d in samples], 0.7)
    assert_share([d.noise_sigma > 0 for d in samples], 0.4)
    assert_share([d.jpeg_quality is not None for d in samples], 0.8)
    assert_share([d.webp for d in samples], 0.3)
    assert_share([d.grain_sigma > 0 for d in samples], 0.2)
    assert_share([d.again is not None for d in samples], 0.5)
    for kernel in ("area", "bicubic", "lanczos"):
        assert_share([d.shrinking == kernel for d in samples], 1 / 3)
        assert_share([d.enlarging == kernel for d in samples], 1 / 3)
    assert_uniform([d.grain_size for d in samples], 0.5, 2)


def test_the_second_round_is_drawn_anew_and_is_the_last():
    second = [d.again for d in drawn(DegradationRecipe(again_probability=1.0), count=2000)]
    first = drawn(DegradationRecipe(), count=2000)
    assert all(d.again is None for d in second)
    assert abs(np.corrcoef([d.downsample for d in first], [d.downsample for d in second])[0, 1]) < 0.1
    assert_uniform([d.noise_sigma for d in second], 0, 20)


def test_what_the_released_recipe_lacks_leaves_its_draws_as_they_were():
    changed = drawn(DegradationRecipe(**OFTEN), count=200)
    for one, other in zip(drawn(RECIPES["released"], count=200), changed):
        kept = ("blur", "sigma", "angle", "gray", "flip")
        assert [getattr(one, name) for name in kept] == [getattr(other, name) for name in kept]
        assert other.downsample in (None, one.downsample) and other.noise_sigma in (0, one.noise_sigma)


def test_recipes_of_a_mix_are_drawn_by_their_weights():
    def of(quality):
        return DegradationRecipe(jpeg_quality=Range(quality, quality))

    mix = [Weighted(1.0, of(10)), Weighted(3.0, of(20)), Weighted(0.5, of(30))]
    random = np.random.default_rng(0)
    qualities = [draw_of(mix, random).jpeg_quality for _ in range(COUNT)]
    for quality, share in ((10, 1 / 4.5), (20, 3 / 4.5), (30, 0.5 / 4.5)):
        assert_share([found == quality for found in qualities], share)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("inf"), float("nan")])
def test_a_recipe_that_is_never_drawn_is_refused(weight):
    with pytest.raises(OptionError, match="weight of a recipe is above 0"):
        Weighted(weight, DegradationRecipe())

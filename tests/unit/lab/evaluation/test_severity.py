"""How hard faces are degraded, and what is made of them without a network."""

import numpy as np
import pytest
import torch

from gpen_core.errors import OptionError
from gpen_core.lab.degradation import RECIPES, Degradation, degrade
from gpen_core.lab.evaluation import SEVERITIES, SWEEPS, NamedFace
from gpen_core.lab.evaluation.baselines import BASELINES, baselines_named
from gpen_core.lab.evaluation.metrics import psnr
from gpen_core.lab.evaluation.samples import DegradedFaces, Sample, Sizes
from gpen_core.lab.evaluation.severity import random_of, severity


def drawn(name, count=200, recipe=RECIPES["released"]):
    of = severity(recipe, name)
    return [of(np.random.default_rng(number)) for number in range(count)]


def degraded(faces, of, sizes=Sizes(64, 64), seed=0):
    return list(DegradedFaces(faces, sizes, of, seed))


@pytest.mark.parametrize("recipe", RECIPES)
def test_severities_take_a_third_of_each_range_the_mildest_first(recipe):
    whole = RECIPES[recipe]
    names = SEVERITIES[1:]
    # Of the samples that a stage is drawn for; a recipe may leave it out, always or at times.
    kinds = {
        "downsample": lambda d: d.downsample,
        "noise_sigma": lambda d: d.noise_sigma or None,
        "blur_sigma": lambda d: (d.sigma[0] or None) if d.blur else None,
        "jpeg_quality": lambda d: None if d.jpeg_quality is None else -d.jpeg_quality,
    }
    samples = [drawn(name, count=600, recipe=whole) for name in names]
    for kind, value in kinds.items():
        if getattr(whole, f"{kind.split('_')[0]}_probability") == 0:
            assert all(value(sample) is None for third in samples for sample in third)
            continue
        values = [[value(sample) for sample in third if value(sample) is not None] for third in samples]
        ranges = [(min(found), max(found)) for found in values]
        full = getattr(whole, kind)
        low, high = (-full.high, -full.low) if kind == "jpeg_quality" else (full.low, full.high)
        rounding = 0.5 if kind == "jpeg_quality" else 1e-9
        for third, (least, most) in enumerate(ranges):
            assert low + (high - low) * third / 3 - rounding <= least
            assert most <= low + (high - low) * (third + 1) / 3 + rounding
            assert most - least > 0.9 * (high - low) / 3 - 2 * rounding


def test_the_recipe_draws_what_training_draws_but_mirrors_nothing():
    found = drawn("recipe")
    assert not any(d.flip for d in found) and 0.1 < np.mean([d.gray for d in found]) < 0.3
    assert not any(d.gray for name in SEVERITIES[1:] for d in drawn(name))
    with pytest.raises(OptionError, match="no severity is called 'brutal'"):
        severity(RECIPES["released"], "brutal")


def test_a_faces_degradation_is_its_own(five):
    """The same alone or among others, and another for another name or seed."""
    of = severity(RECIPES["released"], "recipe")
    every, alone = degraded(five, of), degraded(five[3:4], of)
    assert torch.equal(every[3].low, alone[0].low) and every[3].degradation == alone[0].degradation
    assert len({sample.degradation for sample in every}) == 5
    assert degraded(five, of, seed=1)[3].degradation != every[3].degradation
    assert random_of(0, "a").random() != random_of(0, "b").random()


def test_a_sample_is_what_the_degradation_makes(five):
    of = severity(RECIPES["released"], "medium")
    (sample,) = degraded(five[:1], of, Sizes(256, 256))
    random = random_of(0, five[0].name)
    wanted = degrade(five[0].pixels.movedim(0, -1).numpy().copy(), of(random), random)
    for found, array in ((sample.low, wanted.low), (sample.small, wanted.small), (sample.target, wanted.target)):
        assert torch.equal(found, torch.from_numpy(array).movedim(-1, 0))


def test_an_upscaling_models_target_keeps_the_detail_and_loses_the_colors_with_the_input(five):
    (sample,) = degraded(five[:1], lambda random: Degradation(gray=True), Sizes(64, 256))
    assert sample.low.shape == (3, 64, 64) and sample.target.shape == (3, 256, 256)
    weights = torch.tensor([0.299, 0.587, 0.114])
    gray = torch.einsum("chw,c->hw", five[0].pixels, weights)
    torch.testing.assert_close(sample.target, gray.expand(3, -1, -1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_goes_from_mild_to_hard(five, name):
    sweep = SWEEPS[name]
    figures = []
    for value in sweep.values:
        samples = degraded(five[:1], sweep.at(value), Sizes(256, 256))
        figures.append(float(psnr(samples[0].low[None], samples[0].target[None])))
    assert figures == sorted(figures, reverse=True) and figures[0] > figures[-1] + 6


def sample_of(low, small=None):
    return Sample("", low, low if small is None else small, low)


def test_baselines_keep_what_is_flat_and_the_targets_size():
    flat = torch.full((3, 32, 32), 0.3)
    for baseline in BASELINES.values():
        torch.testing.assert_close(baseline(sample_of(flat, flat[:, :5, :5]), 64), torch.full((3, 64, 64), 0.3))


def test_baselines_are_the_filters_of_their_names(crop):
    from PIL import Image
    from scipy.ndimage import median_filter

    sample = sample_of(crop, crop[:, ::4, ::4].contiguous())
    for window in (3, 5):
        wanted = median_filter(crop.numpy(), size=(1, window, window), mode="nearest")
        np.testing.assert_array_equal(BASELINES[f"median{window}"](sample, 256), wanted)
    for name, kind in (("bicubic", Image.Resampling.BICUBIC), ("lanczos", Image.Resampling.LANCZOS)):
        planes = [Image.fromarray(plane).resize((256, 256), kind) for plane in sample.small.numpy()]
        wanted = np.clip(np.stack([np.asarray(plane) for plane in planes]), 0, 1)
        np.testing.assert_allclose(BASELINES[name](sample, 256), wanted, atol=1e-5)
    with pytest.raises(OptionError, match="no baseline is called 'wavelets'"):
        baselines_named(("wavelets",))


def test_a_face_that_is_none_is_refused():
    from gpen_core.errors import ImageError

    with pytest.raises(ImageError, match=r"is \[3, S, S\]"):
        degraded([NamedFace("wide", torch.zeros(3, 4, 6))], SWEEPS["noise"].at(5))

"""Degradations beyond the recipes: each level is harder than the one before."""

import numpy as np
import pytest

from gpen_core.lab.degradation.kernels import disc_kernel
from gpen_core.lab.degradation.others import OTHERS


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_every_level_is_further_from_the_clean_face(astronaut, name):
    face = np.ascontiguousarray(astronaut[:, 10:266, 90:346].permute(1, 2, 0).numpy())
    errors = []
    for level in OTHERS[name].levels:
        seen = OTHERS[name].of(face, level, np.random.default_rng(0))
        assert seen.shape == face.shape and seen.dtype == np.float32 and seen.min() >= 0 and seen.max() <= 1
        brightened = seen * (face.mean() / seen.mean())  # darkness alone is no degradation
        errors.append(float(np.square(brightened - face).mean()))
    assert errors == sorted(errors) and errors[0] > 0


@pytest.mark.parametrize("radius", [0.7, 1.5, 3.2, 10.0])
def test_a_disc_keeps_brightness_and_is_as_wide_as_it_says(radius):
    kernel = disc_kernel(radius)
    assert kernel.sum() == pytest.approx(1)
    assert 1 / kernel.max() == pytest.approx(np.pi * radius**2, rel=0.2)

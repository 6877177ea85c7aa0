"""Against scikit-image, which does the same another way."""

import numpy as np
import pytest
import torch
from skimage import morphology

from gpen_core.imaging.blur import gaussian_blur
from gpen_core.imaging.morphology import closed, dilated, eroded, filled, opened, reconstructed


def disk(radius):
    reach = int(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return x**2 + y**2 <= radius**2


@pytest.fixture(scope="module")
def picture():
    return torch.rand(2, 61, 47, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("radius", [0, 1, 2.5, 7])
@pytest.mark.parametrize(("ours", "theirs"), [(dilated, morphology.dilation), (eroded, morphology.erosion)])
def test_the_extremes_around_a_pixel_are_those_of_a_disk(picture, ours, theirs, radius):
    expected = np.stack([theirs(one, disk(radius), mode="ignore") for one in picture.numpy()])
    np.testing.assert_array_equal(ours(picture, radius).numpy(), expected)


@pytest.mark.parametrize(("ours", "theirs"), [(closed, morphology.closing), (opened, morphology.opening)])
def test_closing_and_opening_are_scikit_images(picture, ours, theirs):
    expected = np.stack([theirs(one, disk(3), mode="ignore") for one in picture.numpy()])
    np.testing.assert_array_equal(ours(picture, 3).numpy(), expected)


@pytest.mark.parametrize("seed", range(4))
def test_hysteresis_keeps_the_parts_that_hold_a_seed(seed):
    random = torch.Generator().manual_seed(seed)
    within = (torch.rand(1, 80, 90, generator=random) < 0.45).float()
    seeds = (torch.rand(1, 80, 90, generator=random) < 0.01).float()
    expected = morphology.reconstruction((seeds * within)[0].numpy(), within[0].numpy(), footprint=np.ones((3, 3)))
    np.testing.assert_array_equal(reconstructed(seeds, within)[0].numpy(), expected)


def test_holes_are_filled_and_bays_are_not():
    mask = torch.zeros(1, 30, 30)
    mask[0, 5:20, 5:20], mask[0, 8:12, 8:12], mask[0, 15:25, 16:18] = 1, 0, 0
    expected = mask.clone()
    expected[0, 8:12, 8:12] = 1
    assert torch.equal(filled(mask), expected)


def test_a_flat_picture_stays_flat_under_a_blur_and_a_dot_becomes_a_gaussian():
    torch.testing.assert_close(gaussian_blur(torch.full((3, 20, 31), 0.7), 4.0), torch.full((3, 20, 31), 0.7))
    dot = torch.zeros(1, 41, 41)
    dot[0, 20, 20] = 1
    axis = torch.arange(41.0) - 20
    bell = (-axis.square() / (2 * 3.0**2)).exp()
    expected = (bell[:, None] * bell) / bell.sum() ** 2
    torch.testing.assert_close(gaussian_blur(dot, 3.0)[0], expected, atol=2e-4, rtol=0)

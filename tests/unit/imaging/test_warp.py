"""Resampling: against scikit-image, and free of shifts, aliasing and dark borders."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage import transform

from gpen_core.geometry import invert_affine, resize_affine
from gpen_core.imaging.lanczos import resize_lanczos
from gpen_core.imaging.warp import covered_rect, reduced, resize_filtered, warp


def waves(height, width, period):
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (0.5 + 0.4 * torch.sin(2 * torch.pi * (x + 0.6 * y) / period))[None].repeat(3, 1, 1).float()


def similarity(angle, scale, dx, dy):
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    return torch.tensor([[a, -b, dx], [b, a, dy]], dtype=torch.float64)


def test_the_identity_changes_nothing(astronaut):
    torch.testing.assert_close(warp(astronaut, similarity(0, 1, 0, 0), (512, 512)), astronaut, atol=1e-4, rtol=0)


def test_a_shift_by_whole_pixels_is_exact(astronaut):
    found = warp(astronaut, similarity(0, 1, -100, -50), (60, 80))
    torch.testing.assert_close(found, astronaut[:, 50:110, 100:180], atol=1e-4, rtol=0)


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.5])
def test_magnifying_agrees_with_scikit_image(astronaut, angle):
    matrix = similarity(angle, 2.5, 10, 200)
    found = warp(astronaut, matrix, (128, 128))
    full = np.vstack([matrix.numpy(), [0, 0, 1]])
    expected = transform.warp(
        astronaut.movedim(0, -1).numpy(), np.linalg.inv(full), output_shape=(128, 128), order=3, mode="symmetric"
    )
    # two bicubic kernels (a = -0.75 here, a spline there) differ by little where nothing is shifted
    assert np.abs(found.movedim(0, -1).numpy() - expected).mean() < 0.004


@pytest.mark.parametrize("scale", [0.5, 0.1, 0.03])
def test_shrinking_does_not_alias(scale):
    """Waves finer than the output can show must vanish into their mean, not turn into coarse ones."""
    found = warp(waves(512, 512, period=2.5), similarity(0.2, scale, 0, 0), (int(400 * scale), int(400 * scale)))
    inside = found[:, 2:-2, 2:-2] if min(found.shape[1:]) > 6 else found
    assert (inside - 0.5).abs().max() < 0.05


def test_shrinking_keeps_what_can_be_shown_in_its_place():
    image, scale = waves(600, 600, period=60), 0.25
    found = warp(image, resize_affine((600, 600), (150, 150)), (150, 150))
    expected = resize_lanczos(image, (150, 150))
    assert (found - expected)[:, 4:-4, 4:-4].abs().max() < 0.02
    assert scale == 150 / 600


def test_beyond_the_border_the_picture_is_mirrored_never_black():
    image = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.7
    found = warp(image, similarity(0.3, 2.0, 60, 60), (160, 160))
    assert found.min() > 0.6
    black = warp(image, similarity(0.3, 2.0, 60, 60), (160, 160), mirror=False)
    assert black[:, 0, 0].abs().max() == 0


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 300), (300, 1)])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_degenerate_pictures_are_sampled_without_a_crash(size, scale):
    found = warp(torch.full((3, *size), 0.25), similarity(1.0, scale, 5, 5), (16, 16))
    torch.testing.assert_close(found, torch.full((3, 16, 16), 0.25), atol=1e-5, rtol=0)


def test_only_the_visible_part_is_needed(astronaut):
    """The same pixels come out of the whole picture and of a cut that holds all that shows."""
    matrix = similarity(0.1, 0.4, -60, -20)
    whole = warp(astronaut, matrix, (64, 64))
    spoiled = astronaut.clone()
    _, y0, _, y1 = covered_rect((64, 64), invert_affine(matrix), (512, 512))
    spoiled[:, : max(y0 - 20, 0)] = 0
    spoiled[:, y1 + 20 :] = 0
    torch.testing.assert_close(whole, warp(spoiled, matrix, (64, 64)), atol=1e-6, rtol=0)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(40, 30), (97, 200), (30, 130), (97, 30), (1, 1)])
def test_one_axis_after_the_other_gives_what_both_at_once_give(mode, size):
    values = torch.rand(2, 3, 97, 130, generator=torch.Generator().manual_seed(2))
    expected = F.interpolate(values.double(), size=size, mode=mode, antialias=True, align_corners=False)
    torch.testing.assert_close(resize_filtered(values, size, mode), expected.float(), atol=2e-5, rtol=0)


@pytest.mark.parametrize("threads", [2, 3, 7])
@pytest.mark.parametrize("mirror", [True, False])
def test_the_number_of_threads_changes_nothing(astronaut, threads, mirror):
    matrix, before = similarity(0.3, 0.7, 40, -60), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = warp(astronaut, matrix, (211, 173), mirror=mirror)
        torch.set_num_threads(threads)
        together = warp(astronaut, matrix, (211, 173), mirror=mirror)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(alone, together)


@pytest.mark.parametrize("dx", [-6.0, -5.0, -2.5, -1.0, 0.0, 1.5])
def test_the_mirror_is_there_as_soon_as_the_kernel_reaches_it(dx):
    """At the border by less than the kernel's reach, on either side: always as if the mirrored picture were there."""
    image = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(3))
    mirrored = torch.cat((image.flip(2), image, image.flip(2)), 2)
    mirrored = torch.cat((mirrored.flip(1), mirrored, mirrored.flip(1)), 1)
    found = warp(image, similarity(0.1, 1.3, dx, dx), (12, 12))
    expected = warp(mirrored, similarity(0.1, 1.3, 0, 0) @ shifted_source(-20) + offset(dx), (12, 12))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def shifted_source(by):
    return torch.tensor([[1.0, 0.0, by], [0.0, 1.0, by], [0.0, 0.0, 1.0]], dtype=torch.float64)


def offset(d):
    return torch.tensor([[0.0, 0.0, d], [0.0, 0.0, d]], dtype=torch.float64)


def test_a_reduced_picture_says_where_its_pixels_went():
    image = waves(120, 90, period=40)
    small, image_to_small = reduced(image, 0.4)
    assert small.shape == (3, 48, 36)
    torch.testing.assert_close(small, warp(image, image_to_small, (48, 36)), atol=0.01, rtol=0)


@pytest.mark.parametrize("scale", [0.97, 1.0, 1.3])
def test_what_is_warped_is_not_written_to(scale):
    image = torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(4)) * 3 - 1
    kept = image.clone()
    warp(image, similarity(0.2, scale, 1, 1), (10, 10))
    assert torch.equal(image, kept)

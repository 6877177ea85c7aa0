"""A picture at many sizes and patches cut out of it, against torch's and torchvision's own operations."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import roi_align

from gpen_core.faces.detectors.mtcnn_pixels import WINDOW, mipmaps, patches, pyramid


def picture(*size):
    return torch.rand(3, *size, generator=torch.Generator().manual_seed(3)) * 2 - 1


@pytest.mark.parametrize("size", [(96, 128), (97, 131), (48, 200), (20, 20)])
def test_mipmaps_are_means_of_four_pixels_and_of_fewer_at_odd_ends(size):
    levels = mipmaps(picture(*size))
    assert min(levels[-1].shape[-2:]) < 48
    for larger, smaller in itertools.pairwise(levels):
        torch.testing.assert_close(smaller, F.avg_pool2d(larger, 2, ceil_mode=True))


@pytest.mark.parametrize("side", [24, 48])
@pytest.mark.parametrize("shrink", [0.8, 1.0, 1.3, 1.99, 2.0, 3.7, 6.0])
def test_patches_within_the_picture_are_means_as_roi_align_takes_them(side, shrink):
    levels = mipmaps(picture(400, 500))
    first = torch.tensor([[10.3, 20.9], [31.0, 7.7], [88.25, 60.0]])
    squares = torch.cat((first, first + side * shrink), 1)
    level = max(level for level in range(3) if 2**level <= max(shrink, 1))
    expected = roi_align(levels[level], [squares + 0.5], (side, side), spatial_scale=0.5**level, aligned=True)
    torch.testing.assert_close(patches(levels, squares, side), expected, atol=2e-4, rtol=0)


def test_a_pixel_is_the_mean_of_its_area():
    """24 px out of 48, whole pixels each: two by two. The order of the squares is kept, whatever their sizes."""
    image = picture(200, 200)
    squares = torch.tensor([[9.5, 19.5, 57.5, 67.5], [39.5, 29.5, 63.5, 53.5], [49.5, 59.5, 97.5, 107.5]])
    found = patches(mipmaps(image), squares, 24)
    torch.testing.assert_close(found[0], F.avg_pool2d(image[:, 20:68, 10:58], 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(found[1], image[:, 30:54, 40:64], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[2], F.avg_pool2d(image[:, 60:108, 50:98], 2), atol=1e-4, rtol=0)


def test_beyond_the_picture_is_mid_gray():
    """A square of 48 px, of which 18½ lie in the picture: 9¼ of 24."""
    found = patches(mipmaps(torch.ones(3, 60, 60)), torch.tensor([[-30.0, -30.0, 18.0, 18.0]]), 24)
    assert found[0, :, :14].abs().max() == 0 and found[0, :, 15:, 15:].min() > 0.9999
    far = torch.tensor([[70.0, 10.0, 94.0, 34.0], [-9000.0, 0.0, -8952.0, 48.0]])
    assert patches(mipmaps(torch.ones(3, 60, 60)), far, 24).abs().max() == 0


@pytest.mark.parametrize("side", [24, 48])
@pytest.mark.parametrize(
    "square", [(-0.5, -0.5, 11.5, 11.5), (-0.5, 50, 11.5, 62), (0, 0, 200, 200), (170.5, 160.5, 206.5, 196.5)]
)
def test_a_square_within_the_picture_has_no_gray_in_it(side, square):
    found = patches(mipmaps(torch.ones(3, 202, 207)), torch.tensor([square], dtype=torch.float32), side)
    torch.testing.assert_close(found, torch.ones(1, 3, side, side), atol=1e-4, rtol=0)


def test_what_is_too_small_leaves_out_levels_and_moves_none():
    levels = mipmaps(picture(120, 160))
    every = list(pyramid(levels, 20, 0))
    fewer = list(pyramid(levels, 20, 45))
    assert 0 < len(fewer) < len(every)
    for (pixels, scale), (other, other_scale) in zip(fewer, every[-len(fewer) :], strict=True):
        assert torch.equal(pixels, other) and scale == other_scale
    left_out = [scale for _, scale in every[: -len(fewer)]]
    assert all(WINDOW / max(scale) < 45.5 for scale in left_out) and WINDOW / min(fewer[0][1]) > 44.5

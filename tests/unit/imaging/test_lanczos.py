"""Lanczos resizing against its formula and Pillow's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gpen_core.imaging.lanczos import resize_lanczos


def lanczos_matrix(source, target):
    """Windowed sinc of three lobes, widened where it shrinks, each row summing to 1. [target, source] float64"""
    stretch = max(source / target, 1.0)
    centre = (np.arange(target)[:, None] + 0.5) * source / target - 0.5
    x = (np.arange(source)[None, :] - centre) / stretch
    weights = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("size", [(50, 64), (17, 9), (33, 40)])
def test_lanczos_agrees_with_its_formula(size):
    values = torch.rand(3, 33, 21, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.25
    found = resize_lanczos(values, size)
    rows, columns = lanczos_matrix(33, size[0]), lanczos_matrix(21, size[1])
    np.testing.assert_allclose(found.numpy(), (rows @ values.double().numpy() @ columns.T).clip(0, 1), atol=1e-5)
    assert resize_lanczos(values, (33, 21)) is values


def test_invisible_colours_do_not_bleed_into_visible_ones():
    """A red disc on transparent black, enlarged: red to the very edge, no dark halo."""
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    disc = ((x - 20).square() + (y - 20).square() < 150).float()
    enlarged = resize_lanczos(torch.stack((disc, torch.zeros_like(disc), torch.zeros_like(disc), disc)), (100, 100))
    assert enlarged[0][enlarged[3] > 0.02].min() > 0.99
    assert enlarged[1:3].max() == 0


def test_an_opaque_picture_is_resized_like_one_without_alpha():
    values = torch.rand(4, 33, 21, generator=torch.Generator().manual_seed(1))
    values[3] = 1
    found = resize_lanczos(values, (50, 64))
    assert torch.equal(found[:3], resize_lanczos(values[:3], (50, 64))) and (found[3] == 1).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(33, 21), (50, 64), (17, 9)])
def test_resizing_into_a_place_gives_what_resizing_gives(channels, size):
    values = torch.rand(channels, 33, 21, generator=torch.Generator().manual_seed(1))
    place = torch.full((2, channels, *size), torch.nan)
    assert resize_lanczos(values, size, out=place[1]).data_ptr() == place[1].data_ptr()
    assert torch.equal(place[1], resize_lanczos(values, size)) and place[0].isnan().all()


@settings(deadline=None)
@given(st.integers(1, 70), st.integers(1, 90), st.integers(1, 200), st.integers(1, 200))
def test_every_size_agrees_with_pillow(height, width, new_height, new_width):
    values = torch.rand(1, height, width, generator=torch.Generator().manual_seed(5))
    expected = Image.fromarray(values[0].numpy()).resize((new_width, new_height), Image.Resampling.LANCZOS)
    found = resize_lanczos(values, (new_height, new_width))[0].numpy()
    np.testing.assert_allclose(found, np.asarray(expected).clip(0, 1), atol=2e-6)


def test_the_place_in_memory_changes_no_bit():
    """So a frame comes out the same alone and among others."""
    values = torch.rand(3, 31, 53, generator=torch.Generator().manual_seed(6))
    expected = resize_lanczos(values, (47, 29))
    for shift in (1, 2, 5, 16):
        memory = torch.empty(values.numel() + shift)
        moved = memory[shift:].view_as(values).copy_(values)
        assert torch.equal(resize_lanczos(moved, (47, 29)), expected)
    assert torch.equal(resize_lanczos(values.mT.contiguous().mT, (47, 29)), expected)


def test_a_host_that_allows_rounded_products_gets_the_same_picture():
    values = torch.rand(3, 80, 90, generator=torch.Generator().manual_seed(7))
    expected, before = resize_lanczos(values, (211, 64)), torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        found = resize_lanczos(values, (211, 64))
    finally:
        torch.set_float32_matmul_precision(before)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)

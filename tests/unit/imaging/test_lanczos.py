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
    center = (np.arange(target)[:, None] + 0.5) * source / target - 0.5
    x = (np.arange(source)[None, :] - center) / stretch
    weights = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("size", [(50, 64), (17, 9), (33, 40)])
def test_lanczos_agrees_with_its_formula(size):
    values = torch.rand(3, 33, 21, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.25
    found = resize_lanczos(values, size)
    rows, columns = lanczos_matrix(33, size[0]), lanczos_matrix(21, size[1])
    np.testing.assert_allclose(found.numpy(), (rows @ values.double().numpy() @ columns.T).clip(0, 1), atol=1e-5)
    assert resize_lanczos(values, (33, 21)) is values


def test_invisible_colors_do_not_bleed_into_visible_ones():
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
    values = torch.rand(3, 33, 21, generator=torch.Generator().manual_seed(6))
    expected = resize_lanczos(values, (17, 9))
    for shift in (1, 2, 5, 16):
        memory = torch.empty(values.numel() + shift)
        moved = memory[shift:].view_as(values).copy_(values)
        assert torch.equal(resize_lanczos(moved, (17, 9)), expected)
    assert torch.equal(resize_lanczos(values.mT.contiguous().mT, (17, 9)), expected)


NEWER_SETTINGS = (
    "backends.fp32_precision",
    "backends.mkldnn.matmul.fp32_precision",
    "backends.cuda.matmul.fp32_precision",
)
ROUNDED = """
import torch
from gpen_core.imaging.lanczos import resize_lanczos
kinds, multiply = set(), torch.mm
def watched(first, second, *, out):
    kinds.add(out.dtype)
    return multiply(first, second, out=out)
torch.mm = watched
values = torch.rand(3, 80, 90)
expected = resize_lanczos(values, (211, 64))
assert kinds == {torch.float32}, kinds
kinds.clear()
SETTING
found = resize_lanczos(values, (211, 64))
assert kinds == {torch.float64}, kinds
torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
"""


@pytest.mark.parametrize(
    "setting",
    ['torch.set_float32_matmul_precision("medium")', *(f'torch.{name} = "tf32"' for name in NEWER_SETTINGS)],
)
def test_a_host_that_may_have_products_rounded_gets_the_same_picture(setting, forks, repo_root):
    """In a process of its own: torch does not let go of its newer settings."""
    holder = setting.removeprefix("torch.").partition(".fp32_precision")[0]
    if "fp32_precision" in setting and not hasattr_along(torch, f"{holder}.fp32_precision"):
        pytest.skip(f"this torch has no {holder}.fp32_precision")
    done = forks.run(ROUNDED.replace("SETTING", setting), folder=repo_root)
    assert done.returncode == 0, done.stderr


def hasattr_along(holder, path):
    for name in path.split("."):
        if not hasattr(holder, name):
            return False
        holder = getattr(holder, name)
    return True


@pytest.mark.parametrize(("size", "new"), [((1, 60000), (1, 1)), ((9000, 3), (1, 2)), ((4000, 8), (10, 900))])
def test_extreme_sizes_agree_with_pillow(size, new):
    values = torch.rand(1, *size, generator=torch.Generator().manual_seed(8))
    expected = Image.fromarray(values[0].numpy()).resize(new[::-1], Image.Resampling.LANCZOS)
    np.testing.assert_allclose(resize_lanczos(values, new)[0].numpy(), np.asarray(expected).clip(0, 1), atol=2e-6)

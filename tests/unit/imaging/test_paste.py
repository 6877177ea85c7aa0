"""Blending as properties."""

import itertools

import pytest
import torch

from gpen_core.geometry import resize_affine
from gpen_core.imaging.paste import Patch, paste, paste_into


def shifted(dx, dy, scale=1.0, turn=0.0):
    c, s = scale * torch.cos(torch.tensor(turn)).item(), scale * torch.sin(torch.tensor(turn)).item()
    return torch.tensor([[c, -s, dx], [s, c, dy]], dtype=torch.float64)


def patch(value, dx, dy, size=20, mask=None, **more):
    mask = torch.ones(1, size, size) if mask is None else mask
    return Patch(torch.full((3, size, size), value), mask, shifted(dx, dy, **more))


CANVAS = torch.rand(3, 90, 120, generator=torch.Generator().manual_seed(0))


def test_a_zero_mask_leaves_the_picture_identical():
    result, alpha = paste(CANVAS, [patch(1.0, 30, 30, mask=torch.zeros(1, 20, 20))])
    assert torch.equal(result, CANVAS) and not alpha.any()


def test_no_patches_leave_the_picture_identical():
    result, alpha = paste(CANVAS, [])
    assert torch.equal(result, CANVAS) and not alpha.any() and result is not CANVAS


@pytest.mark.parametrize("turn", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("scale", [0.2, 1.0, 2.7])
def test_pixels_without_mask_keep_their_bits(turn, scale):
    result, alpha = paste(CANVAS, [patch(1.0, 50, 40, scale=scale, turn=turn)])
    untouched = (alpha == 0).expand_as(CANVAS)
    assert torch.equal(result[untouched], CANVAS[untouched])
    assert 0.6 * (20 * scale) ** 2 < alpha.sum() < 1.4 * (20 * scale + 1) ** 2


def test_a_whole_mask_at_whole_pixels_takes_the_patch():
    result, alpha = paste(CANVAS, [patch(0.25, 30, 10)])
    torch.testing.assert_close(result[:, 12:28, 32:48], torch.full((3, 16, 16), 0.25))
    assert alpha[0, 20, 40] == 1


def test_patches_beyond_the_picture_are_cut_or_ignored():
    inside, _ = paste(CANVAS, [patch(1.0, 110, 80)])
    assert torch.equal(inside[:, :75, :100], CANVAS[:, :75, :100]) and inside[0, 89, 119] == 1
    outside, alpha = paste(CANVAS, [patch(1.0, 500, 500), patch(1.0, -80, -80)])
    assert torch.equal(outside, CANVAS) and not alpha.any()


def test_apart_patches_may_come_in_any_order():
    patches = [patch(0.1, 5, 5), patch(0.9, 50, 5, turn=0.4), patch(0.5, 90, 60)]
    results = [paste(CANVAS, order)[0] for order in itertools.permutations(patches)]
    assert all(torch.equal(results[0], other) for other in results[1:])


def test_overlapping_patches_may_come_in_any_order_and_share_the_overlap():
    patches = [patch(0.2, 30, 30), patch(0.8, 40, 30), patch(0.5, 35, 38)]
    results = [paste(CANVAS, order) for order in itertools.permutations(patches)]
    for result, alpha in results[1:]:
        torch.testing.assert_close(result, results[0][0], atol=1e-6, rtol=0)
        torch.testing.assert_close(alpha, results[0][1], atol=1e-6, rtol=0)
    torch.testing.assert_close(results[0][0][:, 34, 44], torch.full((3,), 0.5))  # (0.2 + 0.8) / 2


def test_half_a_mask_mixes_half_and_half():
    result, alpha = paste(torch.zeros(3, 60, 60), [patch(1.0, 10, 10, mask=torch.full((1, 20, 20), 0.5))])
    assert result[0, 20, 20] == pytest.approx(0.5) and alpha[0, 20, 20] == pytest.approx(0.5)


def test_channels_after_the_third_are_kept():
    canvas = torch.cat((CANVAS, CANVAS[:1]))
    result, _ = paste(canvas, [patch(1.0, 30, 30)])
    assert torch.equal(result[3], canvas[3]) and not torch.equal(result[:3], canvas[:3])


def test_a_shrunken_patch_does_not_alias():
    stripes = (torch.arange(400) % 2).float().expand(3, 400, 400)
    whole = torch.ones(1, 400, 400)
    result, _ = paste(torch.full((3, 60, 60), 0.5), [Patch(stripes, whole, resize_affine((400, 400), (50, 50)))])
    assert (result[:, 4:46, 4:46] - 0.5).abs().max() < 0.03


def test_the_mask_is_never_seen_twice_around_a_turned_patch():
    """A mirrored mask would paint stripes between the turned patch and its rectangle."""
    _, alpha = paste(torch.zeros(3, 200, 200), [patch(1.0, 100, 20, size=400, scale=0.2, turn=0.78)])
    y, x = torch.meshgrid(torch.arange(200.0), torch.arange(200.0), indexing="ij")
    outside = (x - 100).abs() + (y - 20 - 0.2 * 400 / 2**0.5).abs() > 0.2 * 400 / 2**0.5 + 3
    assert alpha[0][outside].max() == 0


def test_pasting_in_place_gives_what_pasting_gives():
    patches = [patch(0.2, 30, 30, turn=0.3), patch(0.8, 40, 30), patch(0.5, 90, 60, scale=0.4)]
    canvas, replaced = CANVAS.clone(), torch.zeros(1, 90, 120)
    paste_into(canvas, replaced, patches)
    expected, alpha = paste(CANVAS, patches)
    assert torch.equal(canvas, expected) and torch.equal(replaced, alpha)


def test_pasting_once_more_adds_to_what_was_replaced():
    half = torch.full((1, 20, 20), 0.5)
    canvas, replaced = CANVAS.clone(), torch.zeros(1, 90, 120)
    for _ in range(2):
        paste_into(canvas, replaced, [patch(1.0, 30, 30, mask=half)])
    assert replaced[0, 40, 40] == pytest.approx(0.75)
    torch.testing.assert_close(canvas[:, 40, 40], 0.25 * CANVAS[:, 40, 40] + 0.75)


def test_only_the_part_that_the_mask_shows_is_read():
    mask = torch.zeros(1, 60, 60)
    mask[:, 20:30, 35:45] = 1
    spoiled = torch.full((3, 60, 60), torch.nan)
    spoiled[:, 10:40, 25:55] = 0.25
    result, alpha = paste(CANVAS, [Patch(spoiled, mask, shifted(30, 10, turn=0.2))])
    assert torch.isfinite(result).all() and alpha.sum() == pytest.approx(100, rel=0.1)

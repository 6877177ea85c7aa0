"""Losses on pixels, against formulas in float64 and scikit-image."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from losses_harness.pictures import loss_of, pictures

PIXEL_KINDS = ("l1", "l2", "smooth_l1")


@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_pixel_losses_equal_their_formulas_in_float64(kind):
    restored, target = pictures(2)
    difference = restored.double().numpy() * 3 - target.double().numpy() * 3  # both sides of smooth L1's knee
    size = np.abs(difference)
    expected = {
        "l1": size,
        "l2": difference**2,
        "smooth_l1": np.where(size < 1, difference**2 / 2, size - 0.5),
    }[kind].mean()
    assert (size > 1).any() and (size < 1).any()
    assert loss_of(kind)(restored * 3, target * 3).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_gradients_of_pixel_losses_are_the_analytic_ones(kind):
    restored, target = pictures()
    restored.requires_grad_(True)
    loss_of(kind)(restored, target).backward()
    difference = (restored - target).detach().double()
    expected = {"l1": difference.sign(), "l2": 2 * difference, "smooth_l1": difference.clamp(-1, 1)}[kind]
    torch.testing.assert_close(restored.grad.double(), expected / difference.numel(), rtol=1e-4, atol=1e-9)


def test_the_psnr_loss_is_what_scikit_image_measures_turned_round():
    """50 dB and the loss together, for pictures far from 50 dB; a mean over the pictures, not over their errors."""
    skimage = pytest.importorskip("skimage.metrics", reason="scikit-image measures PSNR independently")
    restored, target = pictures(2)
    restored = torch.stack([target[0] + 0.02 * restored[0], restored[1]])  # one good and one bad
    measured = [
        skimage.peak_signal_noise_ratio(good.double().numpy(), bad.double().numpy(), data_range=2.0)
        for good, bad in zip(target, restored)
    ]
    expected = np.mean([10 * np.log10(1 + 10 ** ((50 - decibels) / 10)) for decibels in measured])
    assert loss_of("psnr")(restored, target).item() == pytest.approx(expected, rel=1e-5)
    assert loss_of("psnr")(restored[1:], target[1:]).item() == pytest.approx(50 - measured[1], abs=0.05)


def test_the_gradient_of_the_psnr_loss_is_the_numerical_one():
    restored, target = pictures(2)
    restored, target = restored[:, :, :3, :3].clone().requires_grad_(True), target[:, :, :3, :3]
    loss_of("psnr")(restored, target).backward()
    moved = torch.zeros_like(restored)
    moved[1, 2, 0, 1] = 1e-2
    with torch.no_grad():
        numerical = (loss_of("psnr")(restored + moved, target) - loss_of("psnr")(restored - moved, target)) / 2e-2
    assert restored.grad[1, 2, 0, 1].item() == pytest.approx(numerical.item(), rel=1e-2)


def test_the_texture_loss_compares_strengths_as_written_out_in_float64():
    restored, target = pictures(2, size=40)
    found, wanted = restored.double().numpy(), target.double().numpy()
    expected = 0.0
    for _ in range(3):
        ours, theirs = _strengths(found), _strengths(wanted)
        expected += np.mean([np.abs(a - b).mean() / b.mean() for a, b in zip(ours, theirs)])
        found, wanted = (x.reshape(*x.shape[:2], x.shape[2] // 2, 2, -1, 2).mean((3, 5)) for x in (found, wanted))
    assert loss_of("texture")(restored, target).item() == pytest.approx(expected, rel=1e-5)


def _strengths(pictures):
    """[N, 3 colors × 3 directions, h, w] of windows of 8 px every 4 px, by sums over slices."""
    a, b, c, d = pictures[..., :-1, :-1], pictures[..., :-1, 1:], pictures[..., 1:, :-1], pictures[..., 1:, 1:]
    details = np.stack([(a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2], axis=2)
    details = details.reshape(len(pictures), 9, *details.shape[3:])
    rows, columns = (range(0, side - 7, 4) for side in details.shape[2:])
    windows = [[(details[..., y : y + 8, x : x + 8] ** 2).mean((2, 3)) for x in columns] for y in rows]
    return np.sqrt(np.array(windows).transpose(2, 3, 0, 1) + 0.004**2)


def test_texture_that_lies_elsewhere_costs_little_and_texture_that_is_lost_much():
    """Unlike for a loss on pixels, which would rather have none than one that lies elsewhere."""
    texture = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.2
    moved, smooth = texture.roll((3, 5), (2, 3)), F.avg_pool2d(F.pad(texture, (1, 1, 1, 1), mode="circular"), 3, 1)
    loss, squares = loss_of("texture"), loss_of("l2")
    assert loss(moved, texture) < loss(smooth, texture) / 3
    assert squares(moved, texture) > squares(smooth, texture)


@pytest.mark.parametrize("side", [4, 8, 16])
def test_the_texture_loss_takes_the_small_pictures_that_a_growing_network_begins_with(side):
    restored, target = pictures(1, size=side)
    assert 0 < loss_of("texture")(restored, target).item() < 1000

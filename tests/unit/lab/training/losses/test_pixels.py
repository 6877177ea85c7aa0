"""Losses on pixels, against formulas in float64 and scikit-image."""

import numpy as np
import pytest
import torch
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

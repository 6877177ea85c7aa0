"""The filter in time: still where the guide is still, and at once where it is not."""

import pytest
import torch

from gpen_core.imaging.temporal import guide_noise, guide_of, held, noise_between, shares_in_time


def pictures(count, noise, seed=0):
    generator = torch.Generator().manual_seed(seed)
    base = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8, generator=generator), (256, 256), mode="bicubic")[
        0
    ].clamp(0.1, 0.9)
    return base, [(base + noise * torch.randn(3, 256, 256, generator=generator)).clamp(0, 1) for _ in range(count)]


def filtered(guides, restored, center, noise, reach=4):
    shares = shares_in_time([guide_of(g) for g in guides], range(len(guides)), center, noise, reach)
    assert torch.allclose(shares.sum(0), torch.ones(1, 128, 128), atol=1e-5)
    return held(restored, shares)


def test_what_flickers_over_a_still_guide_is_averaged():
    _, guides = pictures(9, 0.02)
    base, flickering = pictures(9, 0.05, seed=1)
    result = filtered(guides, flickering, 4, guide_noise(guides[4]))
    assert (result - base).std() < 0.45 * (flickering[4] - base).std()


def test_where_the_guide_changes_the_picture_follows_at_once():
    _, guides = pictures(9, 0.01)
    closed = [g.clone() for g in guides]
    for t in (4, 5):
        closed[t][:, 100:140, 60:120] = 0.9 - closed[t][:, 100:140, 60:120]
    restored = [g.clone() for g in closed]
    result = filtered(closed, restored, 4, guide_noise(guides[4]))
    inside = (slice(None), slice(104, 136), slice(64, 116))
    assert (result - restored[4])[inside].abs().mean() < 0.01
    before = filtered(closed, restored, 3, guide_noise(guides[4]))
    assert (before - restored[3])[inside].abs().mean() < 0.01


def test_equal_pictures_come_back_as_they_are():
    base, _ = pictures(1, 0)
    result = filtered([base] * 5, [base] * 5, 2, guide_noise(base))
    assert torch.allclose(result, base, atol=1e-6)


@pytest.mark.parametrize("reach", [1, 3])
def test_beyond_the_reach_nothing_counts(reach):
    base, _ = pictures(1, 0)
    restored = [base * 0 + t / 10 for t in range(9)]
    shares = shares_in_time([guide_of(base)] * 9, range(9), 4, 0.01, reach)
    weights = shares[:, 0, 0, 0]
    assert (weights > 1e-6).nonzero().flatten().tolist() == list(range(4 - reach, 5 + reach))
    assert held(restored, shares).mean() == pytest.approx(0.4, abs=1e-5)


def test_the_noise_of_a_codec_is_told_by_neighbors_and_a_blink_does_not_count():
    generator = torch.Generator().manual_seed(1)
    clean = torch.rand(3, 128, 128, generator=generator)
    first, second = (clean + 0.02 * torch.randn(3, 128, 128, generator=generator) for _ in range(2))
    assert noise_between(first, second) == pytest.approx(0.02, rel=0.1)
    second[:, 50:66, 40:88] = 0
    assert noise_between(first, second) == pytest.approx(0.02, rel=0.1)
    assert noise_between(first, first) == 0

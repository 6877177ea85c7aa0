"""A grown network begins as the small one, upsampled."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from gpen_core.errors import OptionError
from gpen_core.model import Gpen, GpenConfig, ops
from gpen_core.model.growing import grow

SMALL = GpenConfig(16, 16, (6, 5, 4), style_dim=8, mapping_layers=2)
BIG = GpenConfig(32, 32, (6, 5, 4, 3), style_dim=8, mapping_layers=2)


def unlike_fresh(network):
    """Weights as if trained: nothing at its initial zero."""
    with torch.no_grad():
        for value in network.parameters():
            value.add_(torch.randn_like(value) * 0.3)
    return network


@pytest.fixture
def small():
    torch.manual_seed(0)
    return unlike_fresh(Gpen(SMALL)).eval()


@pytest.fixture
def pictures():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def halved(pictures):
    """[-1, 1, 8, 8, 1, -1]/16 along both axes, zeros around, every second pixel."""
    taps = torch.tensor([-1.0, 1, 8, 8, 1, -1]) / 16
    return F.conv2d(pictures, torch.outer(taps, taps).expand(3, 1, 6, 6), stride=2, padding=2, groups=3)


@torch.no_grad()
def test_the_output_is_the_small_networks_upsampled(small, pictures):
    expected = ops.fir_upsample(small(halved(pictures)), ops.fir_kernel(4.0))
    torch.testing.assert_close(grow(small, BIG)(pictures), expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"concatenate": False},
        {"injection": "adain", "upsampling": "nearest", "mapping": "plain"},
        {"start": 8, "channels": (6, 5)},
        {"encoder": "resnet50", "encoder_width": 2, "concatenate": False},
    ],
)
@torch.no_grad()
def test_networks_of_other_parts_grow_too(changes, pictures):
    torch.manual_seed(0)
    other = unlike_fresh(Gpen(replace(SMALL, **changes))).eval()
    big = grow(other, replace(BIG, **{**changes, "channels": (*other.config.channels, 3)}))
    z, noise = torch.randn(2, 8), torch.Generator().manual_seed(0)
    features = big.noise_features(pictures, noise)
    expected = ops.fir_upsample(other.generator(z, features[:-1]), ops.fir_kernel(4.0))
    torch.testing.assert_close(big.generator(z, features), expected, atol=2e-5, rtol=1e-5)
    if big.config.has_features:
        expected = ops.fir_upsample(other(halved(pictures)), ops.fir_kernel(4.0))
        torch.testing.assert_close(big(pictures), expected, atol=2e-5, rtol=1e-5)


@torch.no_grad()
def test_style_code_and_features_are_the_small_networks_for_the_halved_picture(small, pictures):
    z, features = grow(small, BIG).encode(pictures)
    expected_z, expected = small.encode(halved(pictures))
    torch.testing.assert_close(z, expected_z, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(features[:-1], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_halving_is_nearly_the_mean_of_four_pixels_and_exact_for_flat_pictures_up_to_the_border(pictures):
    flat = torch.full((1, 3, 16, 16), 0.7)
    torch.testing.assert_close(halved(flat), flat[..., ::2, ::2])
    smooth = F.interpolate(pictures[..., ::8, ::8], size=32, mode="bilinear")
    error = halved(smooth) - F.avg_pool2d(smooth, 2)
    assert error.abs().max() < 0.05 and error.square().mean().sqrt() < 0.03 * smooth.std()


def test_everything_new_learns_within_three_steps(small, pictures):
    big = grow(small, BIG).train()
    before = {key: value.clone() for key, value in big.named_parameters()}
    optimizer = torch.optim.Adam(big.parameters(), 1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        (big(pictures) - pictures).square().mean().backward()
        optimizer.step()
    assert [key for key, value in big.named_parameters() if torch.equal(value, before[key])] == []


def test_the_small_network_is_left_as_it_is(small):
    before = {key: value.clone() for key, value in small.state_dict().items()}
    big = grow(small, BIG)
    with torch.no_grad():
        for value in big.parameters():
            value.zero_()
    assert all(torch.equal(value, before[key]) for key, value in small.state_dict().items())


@torch.no_grad()
def test_growing_twice_still_begins_as_the_first(small):
    pictures = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    twice = grow(grow(small, BIG), GpenConfig(64, 64, (6, 5, 4, 3, 3), style_dim=8, mapping_layers=2))
    found, expected = twice(pictures), small(halved(halved(pictures)))
    for _ in range(2):
        expected = ops.fir_upsample(expected, ops.fir_kernel(4.0))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        GpenConfig(64, 64, (6, 5, 4, 3, 3), style_dim=8, mapping_layers=2),
        GpenConfig(32, 32, (6, 5, 5, 3), style_dim=8, mapping_layers=2),
        GpenConfig(32, 32, (6, 5, 4, 3), style_dim=9, mapping_layers=2),
        GpenConfig(32, 32, (6, 5, 4, 3), style_dim=8, mapping_layers=2, concatenate=False),
        GpenConfig(16, 32, (6, 5, 4, 3), style_dim=8, mapping_layers=2),
        GpenConfig(32, 32, (6, 5, 4, 2), style_dim=8, mapping_layers=2),
    ],
)
def test_other_configurations_are_refused(small, config):
    with pytest.raises(OptionError):
        grow(small, config)

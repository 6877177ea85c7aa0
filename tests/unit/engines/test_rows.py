"""The fast path of the published network against the plain one, which is its oracle."""

import copy
from functools import cache

import pytest
import torch
from engines_harness.fast import BLOCKINGS, CONFIGS, equal, fast_forward, network, pictures

from gpen_core.engines.rows import Blocking, FastGpen
from gpen_core.model import GpenConfig


@pytest.mark.parametrize("blocking", BLOCKINGS.values(), ids=BLOCKINGS)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_fast_path_yields_what_the_plain_one_does(config, blocking):
    made = network(config)
    equal(fast_forward(made, pictures(config), blocking=blocking), made(pictures(config)))


@pytest.mark.parametrize("name", ["restore_64", "restore_256_narrow", "restore_64_add", "upscale_32_to_128"])
@pytest.mark.parametrize("blocking", [Blocking(), Blocking(side=16, elements=1 << 12)], ids=["default", "rows"])
def test_the_fast_path_reproduces_the_published_output(golden, name, blocking, published):
    made, given_pictures, expected = published(golden / f"{name}.safetensors")
    torch.testing.assert_close(fast_forward(made, given_pictures, blocking=blocking), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [64, 128, 256, 512, 2048])
def test_every_published_depth_is_the_same_by_rows(size):
    levels = GpenConfig.published(size).levels
    made = network(GpenConfig(size, size, (2,) * levels, style_dim=4, mapping_layers=1))
    given_pictures = pictures(made.config, count=1)
    equal(
        fast_forward(made, given_pictures, blocking=Blocking(elements=1 << 16, made_twice=1 << 16)),
        made(given_pictures),
    )


def test_a_batch_is_its_pictures_one_by_one():
    config = CONFIGS["restores"]
    made, together = network(config), pictures(config, count=3)
    for blocking in BLOCKINGS.values():
        alone = torch.cat([fast_forward(made, picture, blocking=blocking) for picture in together.split(1)])
        equal(fast_forward(made, together, blocking=blocking), alone)


def test_noise_of_the_upscaling_variant_is_the_given_generators():
    config = CONFIGS["enlarges"]
    made, given_pictures = network(config), pictures(config)

    def drawn(forward, seed):
        return forward(given_pictures, torch.Generator().manual_seed(seed))

    for blocking in BLOCKINGS.values():
        fast = drawn(lambda x, noise, blocking=blocking: fast_forward(made, x, noise, blocking), 5)
        equal(fast, drawn(made, 5))
        assert not torch.allclose(fast, drawn(made, 6), atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("blocking", BLOCKINGS.values(), ids=BLOCKINGS)
def test_half_precision_stays_near_float32(dtype, blocking):
    config = CONFIGS["restores"]
    made, given_pictures = network(config), pictures(config)
    expected = made(given_pictures)
    found = fast_forward(made.to(dtype), given_pictures.to(dtype), blocking=blocking)
    assert found.dtype == dtype and torch.isfinite(found).all()
    error = (found.float() - expected).square().mean().sqrt() / expected.square().mean().sqrt()
    assert error < 0.03


def test_a_large_style_does_not_overflow_half_precision():
    config = CONFIGS["restores"]
    made = network(config)
    for module in made.modules():
        if hasattr(module, "modulation") and getattr(module, "demodulate", False):
            module.modulation.weight.mul_(3e3)
    expected = made(pictures(config))
    for blocking in BLOCKINGS.values():
        found = fast_forward(made.to(torch.float16), pictures(config).half(), blocking=blocking)
        assert torch.isfinite(found).all()
    assert torch.isfinite(expected).all()


WIDE = {
    "restores": GpenConfig(64, 64, (96, 80, 72, 68, 64), style_dim=8, mapping_layers=2),
    "adds": GpenConfig(64, 64, (96, 80, 72, 68, 64), style_dim=8, mapping_layers=2, concatenate=False),
    "enlarges": GpenConfig(16, 64, (96, 80, 72, 68, 64), style_dim=8, mapping_layers=2),
}


@cache
def exactly(config):
    """A network, the same in float64, and what that makes of the pictures."""
    made = network(config)
    exact = copy.deepcopy(made).double()
    return made, exact, exact(pictures(config).double())


@pytest.mark.parametrize("blocking", BLOCKINGS.values(), ids=BLOCKINGS)
@pytest.mark.parametrize("config", WIDE.values(), ids=WIDE)
def test_wide_layers_of_the_published_network_take_winograds_way_and_agree(config, blocking):
    """float64 takes the direct way: an oracle that the rounding of neither way touches."""
    made, exact, expected = exactly(config)
    fast, slow = FastGpen(made, blocking), FastGpen(exact, blocking)
    given_pictures = pictures(config)
    equal(fast(given_pictures).double(), expected)
    torch.testing.assert_close(slow(given_pictures.double()), expected, rtol=0, atol=1e-6)
    assert sum(layer.winograd for layer in fast._prepared[1].layers) == 3  # at 16, 32 and 64 px
    assert not any(layer.winograd for layer in slow._prepared[1].layers)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_takes_the_direct_way_and_sums_over_many_channels(dtype):
    """512 channels that all say the same: their sum is out of float16's range, the demodulated result is not."""
    config = GpenConfig(16, 16, (512, 512, 512), style_dim=8, mapping_layers=1)
    made = network(config)
    layer = made.generator.convs[1]
    layer.conv.weight.abs_()
    layer.conv.modulation.weight.zero_()
    made.generator.convs[0].activate.bias.fill_(20)
    expected = made(pictures(config))
    fast = FastGpen(made.to(dtype))
    found = fast(pictures(config).to(dtype)).float()
    assert not any(layer.winograd for layer in fast._prepared[1].layers)
    error = (found - expected).square().mean().sqrt() / expected.square().mean().sqrt()
    assert error < 0.05

"""The fast path of the published network against the plain one, which is its oracle."""

import gc

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.checkpoints import TASKS
from gpen_core.checkpoints.load import GpenModel
from gpen_core.model import Gpen, GpenConfig
from gpen_core.model.fast import Blocking, fast_forward, has_fast_path
from gpen_core.model.fast.encoder import Features
from gpen_core.model.fast.rows import windows
from gpen_core.model.fast.steering import steered_conv, steered_weight
from gpen_core.model.styled import ModulatedConv2d

ROWS_EVERYWHERE = Blocking(side=1, elements=1, made_twice=1)
CONFIGS = {
    "restores": GpenConfig(64, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=2),
    "adds": GpenConfig(64, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=2, concatenate=False),
    "enlarges": GpenConfig(16, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=1),
    "smallest": GpenConfig(8, 8, (4, 3), style_dim=4, mapping_layers=0),
}
BLOCKINGS = {
    "whole": Blocking(),
    "rows of large maps": Blocking(side=32, elements=1 << 10, made_twice=1 << 10),
    "rows everywhere": ROWS_EVERYWHERE,
    "nothing made twice": Blocking(side=8, elements=1 << 9),
}


def network(config, dtype=torch.float32, seed=0):
    """Random weights, and no parameter at its initial 0 or 1: a layer left out would be seen."""
    torch.manual_seed(seed)
    made = Gpen(config).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.2)
    return made.to(dtype)


def pictures(config, count=2):
    size = config.input_size
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5 * expected.abs().max().item())


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


def test_the_pictures_and_the_weights_stay_as_they_were():
    config = CONFIGS["restores"]
    made, given_pictures = network(config), pictures(config)
    before = {key: value.clone() for key, value in made.state_dict().items()}, given_pictures.clone()
    for blocking in BLOCKINGS.values():
        fast_forward(made, given_pictures, blocking=blocking)
    assert torch.equal(given_pictures, before[1])
    assert all(torch.equal(value, before[0][key]) for key, value in made.state_dict().items())


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


@pytest.mark.parametrize("upsampling", [None, "fir"])
@pytest.mark.parametrize("demodulate", [True, False])
def test_steering_the_weights_equals_steering_the_maps(upsampling, demodulate):
    torch.manual_seed(2)
    conv = ModulatedConv2d(6, 5, 3, 8, demodulate=demodulate, upsampling=upsampling).requires_grad_(False)
    x, w = torch.randn(1, 6, 9, 7), torch.randn(1, 8)
    weight = steered_weight(conv, w, 0.7)
    upsampled = upsampling is not None
    by_weight = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2) if upsampled else F.conv2d(x, weight, padding=1)
    torch.testing.assert_close(steered_conv(conv, x, w, 0.7), by_weight, rtol=1e-5, atol=1e-5)
    expected = conv(0.7 * x, w)
    torch.testing.assert_close(by_weight if conv.blur is None else conv.blur(by_weight), expected, rtol=1e-5, atol=1e-5)


@given(cuts=st.lists(st.integers(1, 16), max_size=6), above=st.integers(0, 2), below=st.integers(0, 2))
def test_windows_let_a_kernel_make_every_row_once(cuts, above, below):
    rows = 17
    x = torch.randn(1, 2, rows, 5, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(3, 2, above + below + 1, 1, generator=torch.Generator().manual_seed(1))
    blocks = x.tensor_split(sorted(set(cuts)), 2)
    made = torch.cat([F.conv2d(window, weight) for window in windows(blocks, above, below)], 2)
    torch.testing.assert_close(made, F.conv2d(F.pad(x, (0, 0, above, below)), weight))


def test_nothing_of_a_run_is_held_when_it_is_over():
    """Maps in a reference cycle would stay until the garbage collector comes by: 160 MB a face at 2048 px."""
    config = CONFIGS["restores"]
    made, given_pictures = network(config), pictures(config)
    gc.collect()
    gc.disable()
    try:
        before = sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())
        for blocking in BLOCKINGS.values():
            fast_forward(made, given_pictures, blocking=blocking)
        assert sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects()) == before
    finally:
        gc.enable()


@given(begin=st.integers(0, 31), count=st.integers(1, 32), stage=st.integers(0, 3))
def test_rows_of_a_feature_are_those_rows_of_the_encoders_map(begin, count, stage):
    config = CONFIGS["restores"]
    made = network(config)
    side = config.input_size >> stage
    begin = min(begin, side - 1)
    end = min(begin + count, side)
    _, features = made.encode(pictures(config, count=1))
    rows = Features(made, pictures(config, count=1), 4, ROWS_EVERYWHERE).rows(stage, begin, end)
    equal(rows * 2**0.5, features[-1 - stage][:, :, begin:end])


def test_only_the_published_family_has_a_fast_path():
    assert has_fast_path(network(CONFIGS["adds"]))
    assert not has_fast_path(Gpen(GpenConfig.resnet(32, channels=(4, 4, 4), encoder_width=4, style_dim=8)))


def test_a_model_restores_by_the_fast_path_what_the_plain_one_makes():
    config = CONFIGS["restores"]
    made = network(config)
    crops = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    before = crops.clone()
    restored = GpenModel(config, made, TASKS["restoration"], "tiny")(crops)
    torch.testing.assert_close(restored, (made(crops * 2 - 1) / 2 + 0.5).clamp(0, 1), rtol=0, atol=1e-5)
    assert torch.equal(crops, before)

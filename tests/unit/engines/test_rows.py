"""The fast path of the published network against the plain one, which is its oracle."""

import copy
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.checkpoints.load import GpenModel
from gpen_core.engines import RowsEngine
from gpen_core.engines.rows import Blocking, FastGpen, winograd
from gpen_core.engines.rows.encoder import Features, Stage
from gpen_core.engines.rows.modulation import Modulated
from gpen_core.engines.rows.rows import Strip, parted, whole
from gpen_core.engines.rows.upsampling import phases, upsample
from gpen_core.engines.rows.workers import Team
from gpen_core.model import Gpen, GpenConfig
from gpen_core.model.styled import ModulatedConv2d
from gpen_core.tasks import TASKS

ROWS_EVERYWHERE = Blocking(together=1, side=1, elements=1, made_twice=1)
CONFIGS = {
    "restores": GpenConfig(64, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=2),
    "adds": GpenConfig(64, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=2, concatenate=False),
    "enlarges": GpenConfig(16, 64, (8, 6, 8, 6, 4), style_dim=8, mapping_layers=1),
    "smallest": GpenConfig(8, 8, (4, 3), style_dim=4, mapping_layers=0),
}
BLOCKINGS = {
    "whole": Blocking(),
    "rows of large maps": Blocking(together=16, side=32, elements=1 << 10, made_twice=1 << 10),
    "one by one": Blocking(together=8),
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


def fast_forward(made, given_pictures, noise=None, blocking=Blocking()):
    return FastGpen(made, blocking)(given_pictures, noise)


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
    layer = torch.nn.Module()
    layer.conv = ModulatedConv2d(6, 5, 3, 8, demodulate=demodulate, upsampling=upsampling).requires_grad_(False)
    x, w = torch.randn(1, 6, 9, 7), torch.randn(1, 8)
    expected = layer.conv(0.7 * x, w)
    conv = Modulated(layer)

    def convolved(maps, weight):
        if upsampling is None:
            return F.conv2d(maps, weight, padding=1)
        return layer.conv.blur(F.conv_transpose2d(maps, weight, stride=2))

    style, outputs = conv.scales(w, 0.7)
    by_map = convolved(x * style[:, :, None, None], conv.weight)
    by_map = by_map if outputs is None else by_map * outputs[:, :, None, None]
    torch.testing.assert_close(by_map, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(convolved(x, conv.weight_for(w, 0.7)), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(layer.conv(0.7 * x, w), expected)  # the module's own weight, laid out anew


def strip_of(x, cuts, multiple=1):
    """The windows of a map that comes in blocks, cut at ``cuts``."""
    strip = Strip(x.shape[2], multiple)
    for block in x.tensor_split(sorted(set(cuts)), 2):
        strip.room(x, x.shape[1], block.shape[2], x.shape[3]).copy_(block)
        yield from strip.window()


@given(cuts=st.lists(st.integers(1, 15), max_size=6), multiple=st.sampled_from([1, 2, 4]), rows=st.integers(1, 16))
def test_windows_let_a_kernel_make_every_row_once(cuts, multiple, rows):
    x = torch.randn(2, 2, 16, 5, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(3, 2, 3, 1, generator=torch.Generator().manual_seed(1))
    found = list(strip_of(x, cuts, multiple))
    assert all((window.shape[2] - 2) % multiple == 0 for window in found)
    expected = F.conv2d(F.pad(x, (0, 0, 1, 1)), weight)
    torch.testing.assert_close(torch.cat([F.conv2d(window, weight) for window in found], 2), expected)
    smaller = list(parted(found, rows))
    assert all(window.shape[2] - 2 <= rows for window in smaller)
    torch.testing.assert_close(torch.cat([F.conv2d(window, weight) for window in smaller], 2), expected)


@given(
    tiles=st.integers(1, 5), width=st.integers(1, 9), batch=st.integers(1, 2), biased=st.booleans(),
    layout=st.sampled_from([torch.contiguous_format, torch.channels_last]),
)  # fmt: skip
def test_winograds_convolution_is_the_convolution(tiles, width, batch, biased, layout):
    draw = torch.Generator().manual_seed(tiles + 10 * width)
    x = torch.randn(batch, 6, 4 * tiles, width, generator=draw)
    weight = torch.randn(5, 6, 3, 3, generator=draw).contiguous(memory_format=layout)
    bias = torch.randn(5, generator=draw) if biased else None
    window, inside = whole(x, 6, 4 * tiles) if width == 4 * tiles else (F.pad(x, (0, 0, 1, 1)), None)
    if inside is not None:
        inside.copy_(x)
    joined = torch.full((batch, 9, 4 * tiles, width), 7.0)
    winograd.convolve(window, winograd.transformed(weight), bias, joined[:, :5])
    expected = F.conv2d(x.double(), weight.double(), None if bias is None else bias.double(), padding=1)
    torch.testing.assert_close(joined[:, :5].double(), expected, rtol=0, atol=5e-5)
    assert (joined[:, 5:] == 7).all()


@given(height=st.integers(1, 6), width=st.integers(1, 6), batch=st.integers(1, 2))
def test_four_phases_make_the_transposed_convolution(height, width, batch):
    draw = torch.Generator().manual_seed(height + 10 * width)
    x, weight = torch.randn(batch, 4, height, width, generator=draw), torch.randn(3, 4, 3, 3, generator=draw)
    expected = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    torch.testing.assert_close(upsample(x, phases(weight)), expected, rtol=1e-5, atol=1e-5)


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


@pytest.mark.parametrize("size", [1e-3, 1e-4, 1e-5, 0.0])
def test_small_filters_are_demodulated_as_the_plain_path_does(size):
    """Down to where the ε under the root decides: a filter that died in training stays dark."""
    config = CONFIGS["restores"]
    made = network(config)
    for layer in made.generator.convs:
        layer.conv.weight.mul_(size)
    for blocking in BLOCKINGS.values():
        equal(fast_forward(made, pictures(config), blocking=blocking), made(pictures(config)))


def test_weights_that_change_are_seen():
    config = CONFIGS["restores"]
    made, given_pictures = network(config), pictures(config)
    fast = FastGpen(made)
    fast(given_pictures)
    first = fast._prepared
    fast(given_pictures)
    assert fast._prepared is first
    made.generator.convs[1].conv.weight.mul_(1.5)
    made.ecd1[0][1].weight.add_(0.1)
    equal(fast(given_pictures), made(given_pictures))
    made.generator.convs[0].conv.blur.kernel.mul_(1.1)  # a buffer
    equal(fast(given_pictures), made(given_pictures))
    made.load_state_dict(network(config, seed=5).state_dict(), assign=True)
    equal(fast(given_pictures), made(given_pictures))
    made.ecd1[0][1].weight.data.add_(0.5)  # which PyTorch tells nobody of
    fast.forget()
    equal(fast(given_pictures), made(given_pictures))


def test_a_network_made_in_inference_mode_runs_in_and_outside_of_it():
    """As in ComfyUI, whose nodes run there."""
    config = CONFIGS["restores"]
    with torch.inference_mode():
        made = network(config)
        fast = FastGpen(made)
        expected = made(pictures(config))
        equal(fast(pictures(config)), expected)
        equal(fast(pictures(config)), expected)
    equal(fast(pictures(config)), expected)


def test_a_call_leaves_the_module_as_it_was_and_copies_take_nothing_along():
    config = CONFIGS["restores"]
    made = network(config)
    model = GpenModel(config, made, TASKS["restoration"], "tiny")
    before = {key: (value.data_ptr(), value.stride()) for key, value in made.state_dict().items()}
    small = len(pickle.dumps(model))
    crops = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    expected = model(crops)
    assert {key: (value.data_ptr(), value.stride()) for key, value in made.state_dict().items()} == before
    assert len(pickle.dumps(model)) < small + 1000
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(crops), expected)
        assert other.module is not made and other._network.network is other.module


@pytest.mark.parametrize("shape", [(1, 3, 128, 64), (1, 3, 64, 128), (1, 3, 32, 32), (1, 4, 64, 64), (3, 64, 64)])
def test_pictures_of_another_size_are_refused_not_cut(shape):
    config = CONFIGS["restores"]
    model = GpenModel(config, network(config), TASKS["restoration"], "tiny")
    for forward in (model, model._network):
        with pytest.raises(ValueError, match=r"must be \[N, 3, 64, 64\], not \["):
            forward(torch.rand(shape))


def test_threads_share_one_model():
    config = CONFIGS["restores"]
    fast, given_pictures = FastGpen(network(config)), pictures(config)
    expected = fast.network(given_pictures)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: fast(given_pictures), range(8)):
            equal(found, expected)


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
    stages = [Stage(made, stage) for stage in range(4)]
    rows = Features(stages, pictures(config, count=1), ROWS_EVERYWHERE, Team()).rows(stage, begin, end)
    equal(rows * 2**0.5, features[-1 - stage][:, :, begin:end])


def test_only_the_published_family_runs_by_rows_and_only_on_a_cpu():
    def runs(config, device="cpu"):
        return RowsEngine().can_run(config, torch.device(device), torch.float32)

    assert runs(CONFIGS["adds"]) and not runs(CONFIGS["adds"], "cuda")
    assert not runs(GpenConfig.resnet(32, channels=(4, 4, 4), encoder_width=4, style_dim=8))


def test_a_model_restores_by_the_fast_path_what_the_plain_one_makes():
    config = CONFIGS["restores"]
    made = network(config)
    crops = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    before = crops.clone()
    restored = GpenModel(config, made, TASKS["restoration"], "tiny")(crops)
    torch.testing.assert_close(restored, (made(crops * 2 - 1) / 2 + 0.5).clamp(0, 1), rtol=0, atol=1e-5)
    assert torch.equal(crops, before)

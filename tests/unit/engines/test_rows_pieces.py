"""What the fast path is made of, piece by piece, against plain convolutions."""

import pytest
import torch
import torch.nn.functional as F
from engines_harness.fast import BLOCKINGS, CONFIGS, ROWS_EVERYWHERE, equal, fast_forward, network, pictures
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.engines.rows import winograd
from gpen_core.engines.rows.encoder import Features, Stage
from gpen_core.engines.rows.modulation import Modulated
from gpen_core.engines.rows.rows import Strip, parted, whole
from gpen_core.engines.rows.upsampling import phases, upsample
from gpen_core.engines.rows.workers import Team
from gpen_core.model.styled import ModulatedConv2d


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


@pytest.mark.parametrize("size", [1e-3, 1e-4, 1e-5, 0.0])
def test_small_filters_are_demodulated_as_the_plain_path_does(size):
    """Down to where the ε under the root decides: a filter that died in training stays dark."""
    config = CONFIGS["restores"]
    made = network(config)
    for layer in made.generator.convs:
        layer.conv.weight.mul_(size)
    for blocking in BLOCKINGS.values():
        equal(fast_forward(made, pictures(config), blocking=blocking), made(pictures(config)))


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

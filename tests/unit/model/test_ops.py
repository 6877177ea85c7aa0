"""The arithmetic against independent float64 references."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from gpen_core.errors import OptionError
from gpen_core.model import Discriminator, DiscriminatorConfig, Gpen, GpenConfig, ops


def seeded(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def tiny(**changes):
    return GpenConfig(16, 16, (4, 4, 4), style_dim=8, mapping_layers=2, **changes)


def zero_stuffed(plane):
    stuffed = np.zeros((plane.shape[0] * 2, plane.shape[1] * 2))
    stuffed[::2, ::2] = plane
    return stuffed


def test_fir_filter_is_a_true_convolution_for_any_kernel():
    x, kernel = seeded(1, 1, 9, 7).double(), seeded(4, 4, seed=1).double()
    expected = convolve2d(np.pad(x[0, 0].numpy(), 2), kernel.numpy(), mode="valid")
    np.testing.assert_allclose(ops.fir_filter(x, kernel, (2, 2))[0, 0].numpy(), expected, atol=1e-12)


def test_fir_upsample_is_zero_stuffing_padding_and_convolution():
    x, kernel = seeded(1, 2, 5, 6).double(), ops.fir_kernel(4.0).double()
    expected = [convolve2d(np.pad(zero_stuffed(plane), (2, 1)), kernel.numpy(), mode="valid") for plane in x[0].numpy()]
    np.testing.assert_allclose(ops.fir_upsample(x, kernel)[0].numpy(), expected, atol=1e-12)


def test_upsampling_a_flat_picture_keeps_its_level_inside():
    flat = torch.full((1, 1, 8, 8), 0.7)
    assert torch.allclose(ops.fir_upsample(flat, ops.fir_kernel(4.0))[..., 2:-2, 2:-2], torch.tensor(0.7))


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulating_activations_equals_modulating_each_samples_weights(demodulate):
    x, weight, style = seeded(3, 5, 6, 6).double(), seeded(4, 5, 3, 3, seed=1).double(), seeded(3, 5, seed=2).double()
    found = ops.modulated_conv2d(x, weight, style, demodulate=demodulate)
    for sample in range(3):
        own = weight * style[sample][None, :, None, None]
        if demodulate:
            own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        expected = torch.nn.functional.conv2d(x[sample : sample + 1], own, padding=1)
        torch.testing.assert_close(found[sample : sample + 1], expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("upsample", [True, False])
def test_a_sample_learns_alone_what_it_learns_in_a_batch(demodulate, upsample):
    """Alone, its style is worked into the weight; in a batch, into the maps."""
    x, weight, style = seeded(2, 5, 8, 8), seeded(4, 5, 3, 3, seed=1), seeded(2, 5, seed=2)
    found: dict[bool, tuple[torch.Tensor, ...]] = {}
    for alone in (True, False):
        leaves = [value.clone().requires_grad_(True) for value in (x, weight, style)]
        maps, kernel, styles = leaves
        batches = zip(maps.split(1), styles.split(1)) if alone else [(maps, styles)]
        made = torch.cat(
            [ops.modulated_conv2d(m, kernel, s, demodulate=demodulate, upsample=upsample) for m, s in batches]
        )
        (made * seeded(*made.shape, seed=3)).sum().backward()
        found[alone] = (made.detach(), *(leaf.grad for leaf in leaves))
    for one, other in zip(found[True], found[False]):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-4)


def test_demodulation_survives_half_precision_and_large_styles():
    x, weight, style = seeded(1, 8, 4, 4).bfloat16(), seeded(4, 8, 3, 3).bfloat16(), (seeded(1, 8) * 1e4).bfloat16()
    assert torch.isfinite(ops.modulated_conv2d(x, weight, style, demodulate=True)).all()


def test_a_batch_gives_what_its_members_give_alone():
    torch.manual_seed(0)
    network, pictures = Gpen(tiny()).eval(), seeded(3, 3, 16, 16)
    with torch.no_grad():
        together = network(pictures)
        alone = torch.cat([network(picture[None]) for picture in pictures])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_restoration_draws_no_randomness():
    torch.manual_seed(0)
    network, pictures = Gpen(tiny()).eval(), seeded(1, 3, 16, 16)
    before = torch.random.get_rng_state()
    with torch.no_grad():
        assert torch.equal(network(pictures), network(pictures))
    assert torch.equal(before, torch.random.get_rng_state())


def test_upscaling_noise_belongs_to_its_generator():
    torch.manual_seed(0)
    network = Gpen(GpenConfig(16, 32, (4, 4, 4, 4), style_dim=8, mapping_layers=1)).eval()
    for name, value in network.named_parameters():
        if name.endswith("noise.weight"):
            torch.nn.init.ones_(value)
    picture = seeded(1, 3, 16, 16)
    with torch.no_grad():
        one, same, other = (network(picture, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
        default, zero = network(picture), network(picture, torch.Generator().manual_seed(0))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert torch.equal(default, zero)
    assert one.shape == (1, 3, 32, 32)


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    network = Gpen(tiny())
    for name, value in network.named_parameters():
        if name.endswith("noise.weight"):
            torch.nn.init.ones_(value)
    network(seeded(2, 3, 16, 16)).square().mean().backward()
    assert [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 1, 16, 16), (3, 16, 16)])
def test_pictures_of_another_shape_are_refused_by_name(shape):
    with pytest.raises(ValueError, match=r"must be \[N, 3, 16, 16\]"):
        Gpen(tiny())(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"must be \[N, 3, 16, 16\]"):
        Discriminator(DiscriminatorConfig(16, (4, 4, 4)))(torch.zeros(shape))


@pytest.mark.parametrize(
    "make",
    [
        lambda: GpenConfig(48, 48, (4, 4, 4, 4)),
        lambda: GpenConfig(32, 16, (4, 4, 4)),
        lambda: GpenConfig(16, 16, (4, 4)),
        lambda: GpenConfig(16, 16, (4, 0, 4)),
        lambda: DiscriminatorConfig(16, (4,)),
    ],
)
def test_impossible_configurations_are_refused(make):
    with pytest.raises(OptionError):
        make()

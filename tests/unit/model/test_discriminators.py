"""Discriminators: what they see, and what they let feature matching see."""

import pytest
import torch
import torch.nn.functional as F

from gpen_core.errors import OptionError
from gpen_core.model import Discriminator, DiscriminatorConfig, PatchDiscriminator, build_discriminator


def pictures(size, count=2):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def build(config):
    torch.manual_seed(0)
    return build_discriminator(config)


def test_the_kind_chooses_the_network():
    assert isinstance(build(DiscriminatorConfig(16, (4, 4, 4))), Discriminator)
    assert isinstance(build(DiscriminatorConfig.patch(16, channels=(4, 4))), PatchDiscriminator)


@torch.no_grad()
def test_stylegan2s_activations_are_one_per_resolution_and_the_last_convolutions():
    network = build(DiscriminatorConfig(32, (7, 6, 5, 4)))
    logits, activations = network.features(pictures(32))
    assert [tuple(a.shape) for a in activations] == [
        (2, 4, 32, 32),
        (2, 5, 16, 16),
        (2, 6, 8, 8),
        (2, 7, 4, 4),
        (2, 7, 4, 4),
    ]
    assert logits.shape == (2, 1) and torch.equal(logits, network(pictures(32)))
    assert torch.equal(logits, network.final_linear(activations[-1].flatten(1)))


@torch.no_grad()
def test_a_patch_discriminator_looks_at_every_scale():
    config = DiscriminatorConfig.patch(256, channels=(2, 3, 4, 5))
    assert config.scales == (64, 128, 256)
    logits, activations = build(config).features(pictures(256, 1))
    assert [tuple(map_.shape) for map_ in logits] == [(1, 1, side, side) for side in (6, 14, 30)]
    expected = []
    for size in (64, 128, 256):
        expected += [(1, width, size // by, size // by) for width, by in ((2, 2), (3, 4), (4, 8))]
        expected.append((1, 5, size // 8 - 1, size // 8 - 1))
    assert [tuple(a.shape) for a in activations] == expected


@torch.no_grad()
def test_each_scale_sees_the_means_of_the_pixels():
    large = build(DiscriminatorConfig.patch(64, channels=(3, 3, 3), smallest=16))
    for index, size in enumerate((16, 32, 64)):
        alone = PatchDiscriminator(DiscriminatorConfig.patch(size, channels=(3, 3, 3), smallest=size))
        alone.load_state_dict({key: v for key, v in large.state_dict().items() if key.startswith(f"scales.{size}.")})
        seen = F.interpolate(pictures(64), size=size, mode="area")
        torch.testing.assert_close(large(pictures(64))[index], alone(seen)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("layers", "field"), [(2, 16), (3, 34), (4, 70), (5, 142)])
def test_a_logit_sees_the_published_number_of_pixels(layers, field):
    network = build(DiscriminatorConfig.patch(256, channels=(2,) * layers, smallest=256))
    for layer in network.scales["256"][1:-1]:
        layer[1] = torch.nn.Identity()  # normalization sees everything: looked past here
    picture = pictures(256, 1).requires_grad_()
    logits = network(picture)[0]
    middle = logits.shape[-1] // 2
    logits[0, 0, middle, middle].backward()
    rows, columns = picture.grad[0].abs().sum(0).nonzero().T
    assert rows.max() - rows.min() + 1 == columns.max() - columns.min() + 1 == field


@torch.no_grad()
def test_a_patch_discriminators_batch_gives_what_its_members_give_alone():
    network = build(DiscriminatorConfig.patch(32, channels=(3, 3, 3), smallest=16)).train()
    together = network(pictures(32))
    alone = [torch.cat(maps) for maps in zip(*(network(picture[None]) for picture in pictures(32)))]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_every_parameter_learns():
    network = build(DiscriminatorConfig.patch(32, channels=(3, 3, 3), smallest=16))
    sum(F.softplus(map_).mean() for map_ in network(pictures(32))).backward()
    idle = [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert idle == []


@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (1, 1, 32, 32), (3, 32, 32)])
def test_pictures_of_another_shape_are_refused_by_name(shape):
    with pytest.raises(ValueError, match=r"must be \[N, 3, 32, 32\]"):
        build(DiscriminatorConfig.patch(32, channels=(3, 3)))(torch.zeros(shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DiscriminatorConfig(16, (4, 4, 4), "wgan"), "kind: one of"),
        (lambda: DiscriminatorConfig(48, (4, 4), "patch"), "power of two"),
        (lambda: DiscriminatorConfig(32, (), "patch", 32), "at least one"),
        (lambda: DiscriminatorConfig(32, (4, 0), "patch", 32), "at least 1"),
        (lambda: DiscriminatorConfig(32, (4, 4), "patch", 64), "smallest must be a power of two from 8 to 32"),
        (lambda: DiscriminatorConfig(32, (4, 4), "patch", 24), "smallest must be"),
        (lambda: DiscriminatorConfig.patch(16), "too small for a PatchGAN of 4 layers"),
    ],
)
def test_impossible_discriminators_are_refused(make, message):
    with pytest.raises(OptionError, match=message):
        make()

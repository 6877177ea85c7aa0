"""Gradient checkpointing: the same gradients for less memory."""

import pytest
import torch

from gpen_core.model import DiscriminatorConfig, Gpen, GpenConfig, build_discriminator

NETWORKS = {
    "published": GpenConfig(32, 32, (4, 4, 4, 4), style_dim=8, mapping_layers=1),
    "resnet": GpenConfig.resnet(32, channels=(4, 4, 4), style_dim=8, encoder_width=2),
    "stylegan2": DiscriminatorConfig(32, (4, 4, 4, 4)),
    "patch": DiscriminatorConfig.patch(32, channels=(4, 4, 4), smallest=16),
}


def build(name):
    torch.manual_seed(0)
    config = NETWORKS[name]
    network = Gpen(config) if isinstance(config, GpenConfig) else build_discriminator(config)
    for key, value in network.named_parameters():
        if key.endswith(("noise.weight", "bn3.weight")):
            torch.nn.init.constant_(value, 0.5)
    return network


def total(out):
    return sum(part.square().sum() for part in out) if isinstance(out, list) else out.square().sum()


def gradients(network, pictures, *, twice):
    """Of the output or, as R1 and path length need, of the gradient's own length."""
    network.zero_grad()
    loss = total(network(pictures))
    if twice:
        (slope,) = torch.autograd.grad(loss, pictures, create_graph=True)
        loss = slope.square().sum()
    loss.backward()
    return {key: value.grad.clone() for key, value in network.named_parameters() if value.grad is not None}


def kept_bytes(network, pictures):
    """What the forward pass keeps for the backward pass beside the weights."""
    weights = {value.data_ptr() for value in network.parameters()}
    kept = {}

    def pack(tensor):
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = network(pictures)
    del out
    return sum(tensor.numel() * tensor.element_size() for tensor in kept.values())


@pytest.fixture
def pictures():
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)).requires_grad_()


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_equal(name, twice, pictures):
    network = build(name)
    assert network.checkpointing is False
    expected = gradients(network, pictures, twice=twice)
    network.checkpointing = True
    found = gradients(network, pictures, twice=twice)
    assert found.keys() == expected.keys() and any(value.any() for value in found.values())
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, atol=0, rtol=1e-5, msg=key)


@pytest.mark.parametrize("name", NETWORKS)
def test_less_is_kept(name, pictures):
    network = build(name)
    without = kept_bytes(network, pictures)
    network.checkpointing = True
    assert kept_bytes(network, pictures) < 0.8 * without  # the picture itself is kept in both

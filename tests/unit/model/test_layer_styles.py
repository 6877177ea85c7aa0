"""A w for every layer: the way of sampling and of path lengths."""

import pytest
import torch

from gpen_core.model import Gpen, GpenConfig

NETWORKS = {
    "published": GpenConfig(32, 32, (8, 8, 8, 8), style_dim=16, mapping_layers=1),
    "resnet": GpenConfig.resnet(32, channels=(8, 8, 8), style_dim=16, encoder_width=2),
}


def build(name):
    torch.manual_seed(0)
    network = Gpen(NETWORKS[name]).eval()
    features = [(feature, feature) for feature in network.encode(torch.randn(2, 3, 32, 32))[1]]
    return network.generator, features, torch.randn(2, 16)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_w_for_every_layer_is_the_same_to_the_bit(name):
    generator, features, w = build(name)
    layers = generator.config.style_layers
    assert layers == 2 * generator.config.levels
    assert torch.equal(
        generator.synthesize(w[:, None].repeat(1, layers, 1), features), generator.synthesize(w, features)
    )


def test_each_w_steers_the_layers_that_the_published_code_steers_with_it():
    """Of L = 2·log2(S) − 2: the first convolution 0, the first RGB layer 1, of octave i the convolutions 2i + 1 and 2i + 2
    and the RGB layer 2i + 3."""
    generator, features, _ = build("published")
    layers = {"conv1": 0, "to_rgb1": 1}
    for octave in range(3):
        layers |= {f"convs.{2 * octave}": 2 * octave + 1, f"convs.{2 * octave + 1}": 2 * octave + 2}
        layers[f"to_rgbs.{octave}"] = 2 * octave + 3
    steered = {}
    for name in layers:
        module = generator.get_submodule(f"{name}.conv.modulation")
        module.register_forward_hook(lambda module, inputs, out, name=name: steered.update({name: inputs[0]}))
    each = torch.randn(2, 8, 16)
    generator.synthesize(each, features)
    assert steered.keys() == layers.keys()
    for name, layer in layers.items():
        assert torch.equal(steered[name], each[:, layer]), name


def test_another_number_of_them_is_refused():
    generator, features, w = build("published")
    with pytest.raises(ValueError, match=r"must be \[N, 8, style_dim\], not \[2, 7, 16\]"):
        generator.synthesize(w[:, None].repeat(1, 7, 1), features)


def test_recomputing_activations_gives_every_w_its_gradient():
    generator, features, w = build("published")
    gradients = []
    for on in (False, True):
        generator.checkpointing = on
        each = w[:, None].repeat(1, 8, 1).requires_grad_()
        generator.synthesize(
            each, [(first.detach(), second.detach()) for first, second in features]
        ).square().sum().backward()
        gradients.append(each.grad)
    torch.testing.assert_close(*gradients)
    assert (gradients[0].abs().sum((0, 2)) > 0).all()

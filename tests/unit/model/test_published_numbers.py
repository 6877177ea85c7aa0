"""The published network's own numbers, computed with the published code on synthetic weights."""

import json

import pytest
import torch

from gpen_core.model import Discriminator, DiscriminatorConfig, Gpen, GpenConfig

TOLERANCE = 1e-4  # absolute, float32


@pytest.mark.parametrize("name", ["restore_64", "restore_256_narrow", "restore_64_add", "upscale_32_to_128"])
def test_the_generator_reproduces_the_published_output(golden, name, published):
    network, pictures, expected = published(golden / f"{name}.safetensors")
    with torch.no_grad():
        torch.testing.assert_close(network(pictures), expected, atol=TOLERANCE, rtol=0)


def test_the_discriminator_reproduces_the_published_output(golden, read_golden):
    weights, pictures, expected, numbers = read_golden(golden / "discriminator_64.safetensors")
    config = DiscriminatorConfig.published(
        int(numbers["size"]), channel_multiplier=int(numbers["channel_multiplier"]), narrow=float(numbers["narrow"])
    )
    network = Discriminator(config)
    network.load_state_dict(weights, strict=True)
    with torch.no_grad():
        torch.testing.assert_close(network(pictures), expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(
    ("network", "config", "name"),
    [
        (Gpen, GpenConfig.published(2048), "state_dict_2048.json"),
        (Discriminator, DiscriminatorConfig.published(2048), "state_dict_discriminator_2048.json"),
    ],
)
def test_the_2048_model_has_the_published_keys_and_shapes(golden, network, config, name):
    with torch.device("meta"):  # 285 MB of weights would say nothing more
        shapes = {key: list(value.shape) for key, value in network(config).state_dict().items()}
    assert shapes == json.loads((golden / name).read_text())


@pytest.mark.parametrize(
    ("config", "parameters", "entries"),
    [
        (GpenConfig.published(256, channel_multiplier=1, narrow=0.5), 18_879_010, 144),
        (GpenConfig.published(512), 71_005_223, 163),
        (GpenConfig.published(2048), 71_294_769, 201),
    ],
)
def test_published_models_have_the_published_size(config, parameters, entries):
    with torch.device("meta"):
        network = Gpen(config)
    assert sum(value.numel() for value in network.parameters()) == parameters
    assert len(network.state_dict()) == entries

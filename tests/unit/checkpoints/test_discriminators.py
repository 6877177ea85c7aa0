"""Discriminators out of training checkpoints and files of their own."""

import pytest
import torch
from safetensors.torch import save_file

from gpen_core import load_checkpoint
from gpen_core.checkpoints.discriminators import infer_discriminator, load_discriminator
from gpen_core.errors import CheckpointError
from gpen_core.model import DiscriminatorConfig, build_discriminator

CONFIGS = [
    DiscriminatorConfig(16, (6, 5, 4)),
    DiscriminatorConfig(64, (3, 4, 5, 6, 7)),
    DiscriminatorConfig.patch(32, channels=(3, 4, 5), smallest=16),
    DiscriminatorConfig.patch(64, channels=(2, 3, 4, 5)),
]
WRAPPINGS = {
    "d": lambda s, g: {"g_ema": g, "g": g, "d": s, "step": 3, "gpen.config": "{}"},
    "flat": lambda s, g: s,
    "params": lambda s, g: {"params": s},
    "DataParallel": lambda s, g: {"d": {f"module.{key}": value for key, value in s.items()}},
}


def built(config):
    torch.manual_seed(0)
    return build_discriminator(config)


def pictures(config):
    return torch.randn(2, 3, config.size, config.size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("config", [*CONFIGS, DiscriminatorConfig.published(2048), DiscriminatorConfig.patch(2048)])
def test_the_configuration_is_read_off_the_state_dict(config):
    with torch.device("meta"):
        assert infer_discriminator(build_discriminator(config).state_dict()) == config


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("config", CONFIGS)
def test_every_wrapping_gives_the_same_logits_and_can_be_trained(config, wrapping, saved, state):
    network = built(config)
    loaded = load_discriminator(saved(WRAPPINGS[wrapping](network.state_dict(), state)))
    assert loaded.config == config and loaded.training
    found, expected = loaded(pictures(config)), network(pictures(config))
    torch.testing.assert_close(found, expected, atol=0, rtol=0)
    sum(part.sum() for part in found).backward()
    assert all(value.grad is not None for value in loaded.parameters())


def test_safetensors_are_read_and_half_precision_is_widened(tmp_path):
    network = built(CONFIGS[0]).half()
    save_file(network.state_dict(), tmp_path / "d.safetensors")
    loaded = load_discriminator(tmp_path / "d.safetensors")
    torch.testing.assert_close(loaded(pictures(CONFIGS[0])), network.float()(pictures(CONFIGS[0])))


@pytest.mark.parametrize("config", CONFIGS)
def test_a_discriminator_is_no_generator(config, saved):
    with pytest.raises(CheckpointError, match="this is a GPEN discriminator"):
        load_checkpoint(saved(built(config).state_dict()))


@pytest.mark.parametrize("config", [CONFIGS[0], CONFIGS[2]])
def test_each_missing_or_misshapen_key_is_an_error_that_names_the_file(config, saved):
    whole = built(config).state_dict()
    for key in whole:
        lacking = {other: value for other, value in whole.items() if other != key}
        misshapen = {**whole, key: torch.zeros([side + 1 for side in whole[key].shape])}
        for state in (lacking, misshapen):
            with pytest.raises(CheckpointError, match=r"model\.pth"):
                load_discriminator(saved(state))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "no discriminator"),
        ({"d": {}}, "no discriminator"),
        ({"g_ema": {"ecd0.0.0.weight": torch.zeros(1)}}, "no discriminator"),
        ({"d": {3: torch.zeros(1)}}, "not a name"),
        ({"d": {"final_conv.0.weight": torch.zeros(1)}}, r"no usable 'convs\.0\.0\.weight'"),
        ({"d": {"final_conv.0.weight": torch.zeros(1), "convs.99.a": torch.zeros(1)}}, "no usable"),
        (
            {"scales.99999.0.0.weight": torch.zeros(4, 3, 4, 4), "scales.99999.1.0.weight": torch.zeros(1, 4, 4, 4)},
            "power of two",
        ),
        ({"scales.64.0.0.weight": torch.zeros(4, 3, 4, 4)}, "incomplete"),
        ({"scales.64.0.0.weight": torch.zeros(())}, "no usable"),
        ({"final_conv.0.weight": torch.zeros(1, dtype=torch.int64)}, "int64"),
    ],
)
def test_what_is_no_discriminator_is_refused(content, message, saved):
    with pytest.raises(CheckpointError, match=message):
        load_discriminator(saved(content))


def test_a_generator_is_no_discriminator(state, saved):
    with pytest.raises(CheckpointError, match="no discriminator"):
        load_discriminator(saved({"g_ema": state}))


def test_weights_that_are_not_numbers_are_refused(saved):
    state = built(CONFIGS[0]).state_dict()
    state["final_linear.1.bias"].fill_(float("nan"))
    with pytest.raises(CheckpointError, match="NaN"):
        load_discriminator(saved({"d": state}))

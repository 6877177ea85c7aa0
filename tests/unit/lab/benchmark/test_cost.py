"""The counts against torch's own counter, and against what passes through the modules."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gpen_core.lab.benchmark.cost import flops, least_seconds, moved_bytes, works
from gpen_core.model import Gpen, GpenConfig
from gpen_core.model.layers import EqualConv2d, EqualLinear
from gpen_core.model.styled import ModulatedConv2d

CONFIGS = {
    "published 2048": GpenConfig.published(2048),
    "published 256": GpenConfig.published(256, channel_multiplier=1, narrow=0.5),
    "features added": GpenConfig.published(64, concatenate=False),
    "upscaling": GpenConfig.published(64, output_size=256, narrow=0.125),
    "resnet": GpenConfig.resnet(128, narrow=0.25),
    "resnet 101, narrow, upscaling": GpenConfig.resnet(64, output_size=128, depth=101, narrow=0.1, encoder_width=16),
    "mixed": GpenConfig(64, 64, (16, 16, 8, 8, 4), injection="adain", upsampling="nearest"),
}


def run_without_memory(config, prepare=lambda network: None):
    """One face through a network on the meta device: shapes and no numbers."""
    with torch.device("meta"):
        network = Gpen(config).requires_grad_(False)
        prepare(network)
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, config.input_size, config.input_size), torch.Generator())
    return network, counter.get_total_flops()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_operations_and_weights_are_those_of_the_network(config):
    network, counted = run_without_memory(config)
    assert flops(config) == counted
    weights = [value for name, value in network.named_parameters() if name.endswith(".weight") and value.dim() > 1]
    assert sum(work.weights for work in works(config)) == sum(weight.numel() for weight in weights)


def test_the_published_2048_network_takes_what_is_said_of_it():
    assert flops(CONFIGS["published 2048"]) == pytest.approx(0.41e12, rel=0.05)


@pytest.mark.parametrize("name", ["published 256", "features added", "upscaling"])
def test_traffic_is_what_enters_and_leaves_the_layers(name):
    """Nearly: a blurred map of the encoder is a pixel wider, and the running RGB image is not a module's input."""
    seen = []

    def watch(network):
        for module in network.modules():
            if isinstance(module, (EqualConv2d, ModulatedConv2d, EqualLinear)):
                module.register_forward_hook(lambda _, inputs, out: seen.append(inputs[0].numel() + out.numel()))

    run_without_memory(CONFIGS[name], watch)
    assert sum(work.moved for work in works(CONFIGS[name])) == pytest.approx(sum(seen), rel=0.03)


def test_no_bound_is_below_what_computing_or_moving_alone_takes():
    config = CONFIGS["published 256"]
    rate, bandwidth = 1e11, 1e10
    bound = least_seconds(config, rate, bandwidth, 4)
    computing, moving = flops(config) / rate, moved_bytes(config, 4) / bandwidth
    assert max(computing, moving) < bound < computing + moving
    assert least_seconds(config, rate, 1e30, 4) == pytest.approx(computing)
    assert least_seconds(config, 1e30, bandwidth, 4) == pytest.approx(moving)


def test_weights_are_moved_once_a_batch():
    config = CONFIGS["published 256"]
    weights = 4 * sum(work.weights for work in works(config))
    assert moved_bytes(config, 4, batch=8) == 8 * moved_bytes(config, 4) - 7 * weights
    assert least_seconds(config, 1e11, 1e8, 4, batch=8) < least_seconds(config, 1e11, 1e8, 4)

"""The memory that a run is said to take."""

from dataclasses import replace

import torch

from gpen_core.lab.training.memory import memory_of
from gpen_core.lab.training.start import empty_networks


def kept_bytes(network, pictures):
    """What the forward pass really keeps for the backward pass, beside the weights."""
    weights, kept = {value.data_ptr() for value in network.parameters()}, {}

    def pack(tensor):
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
            holding.append(tensor)
        return tensor

    holding = []
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(pictures)
    return sum(kept.values())


def test_a_sample_takes_a_little_more_than_what_is_really_kept_for_the_backward_pass(runs):
    config = runs.config("plain", size=64)
    network, _ = empty_networks(config, 64)
    one, two = (kept_bytes(network, torch.randn(count, 3, 64, 64)) for count in (1, 2))
    assert two - one <= memory_of(config, 64).per_sample <= 1.5 * (two - one)


def test_a_half_that_does_not_learn_takes_less(runs):
    config = runs.config("plain", size=64)
    still = replace(config, optimizer=replace(config.optimizer, encoder=0.0))
    whole, decoder = memory_of(config, 64), memory_of(still, 64)
    assert decoder.fixed < whole.fixed and decoder.per_sample < whole.per_sample


def test_larger_pictures_take_more_and_recomputing_less(runs):
    config = runs.config("growing")
    small, large = memory_of(config, 16), memory_of(config, 32)
    assert 3 < large.per_sample / small.per_sample < 5 and large.fixed > small.fixed
    assert memory_of(replace(config, checkpointing=True), 32).per_sample < 0.8 * large.per_sample


def test_every_part_of_an_adversarial_step_is_reckoned_and_the_largest_counts(runs):
    memory = memory_of(runs.config("adversarial"), 16)
    assert set(memory.terms) == {"generator", "path length", "discriminator", "R1"}
    assert memory.per_sample == max(memory.terms.values()) and min(memory.terms.values()) > 0
    numbers = [
        sum(value.numel() for value in part.parameters()) for part in empty_networks(runs.config("adversarial"), 16)
    ]
    assert memory.fixed == 4 * (5 * numbers[0] + 4 * numbers[1])

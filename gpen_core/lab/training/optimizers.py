"""Adam for the two halves of the network and for the discriminator."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ...model import Gpen
from .losses import Lazy
from .parts import AdversarialConfig, OptimizerConfig

BASE_RATE = "base_lr"  # what the schedule multiplies, kept in each parameter group


def generator_optimizer(
    network: Gpen, config: OptimizerConfig, adversarial: AdversarialConfig, *, prior: bool
) -> torch.optim.Adam:
    """Encoder and decoder learn at rates of their own."""
    groups = _trained(network, config, prior=prior)
    lazy = adversarial.weight > 0 and adversarial.path_length > 0
    return _adam(groups, config, Lazy(adversarial.path_every) if lazy else None)


def halves(network: Gpen) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The parameters of the encoder (``final_linear`` among them), and those of the decoder, the generator."""
    decoder = list(network.generator.parameters())
    inside = {id(parameter) for parameter in decoder}
    return [parameter for parameter in network.parameters() if id(parameter) not in inside], decoder


def freeze_still(network: Gpen, config: OptimizerConfig, *, prior: bool) -> None:
    """No gradients are computed for a half whose rate is 0; where no half learns, there is a step to go through still."""
    groups = _trained(network, config, prior=prior)
    for parameters, rate in groups if any(rate for _, rate in groups) else ():
        for parameter in parameters if rate == 0 else ():
            parameter.requires_grad_(False)


def _trained(network: Gpen, config: OptimizerConfig, *, prior: bool) -> list[tuple[list[nn.Parameter], float]]:
    """Halves of the network and their rates. In stage "prior" the encoder is not trained."""
    encoder, decoder = halves(network)
    return [(decoder, config.decoder)] if prior else [(encoder, config.encoder), (decoder, config.decoder)]


def discriminator_optimizer(
    network: nn.Module, config: OptimizerConfig, adversarial: AdversarialConfig
) -> torch.optim.Adam:
    lazy = Lazy(adversarial.r1_every) if adversarial.r1 > 0 else None
    return _adam([(list(network.parameters()), config.discriminator)], config, lazy)


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group[BASE_RATE] * factor


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """The moments of a saved state; rates and betas stay those of the configuration, which may have changed since."""
    settings = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, own in zip(optimizer.param_groups, settings):
        group.update(own)


def _adam(
    groups: list[tuple[list[nn.Parameter], float]], config: OptimizerConfig, lazy: Lazy | None
) -> torch.optim.Adam:
    tables, betas = [], config.betas
    for parameters, rate in groups:
        if lazy is not None:  # a step of its own every n: rates and betas make up for it
            rate, betas = lazy.adam(rate, config.betas)
        tables.append({"params": parameters, "lr": rate, BASE_RATE: rate})
    return torch.optim.Adam(tables, betas=betas, eps=1e-8)

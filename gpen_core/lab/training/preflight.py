"""Everything that a run begins with, and what it will need, without the run."""

from __future__ import annotations

from collections.abc import Callable

import torch

from .config import TrainConfig
from .memory import memory_of
from .pictures import pictures_of
from .run_paths import RunPaths
from .start import starting_networks
from .terms import losses_of_phases


def dry_run(config: TrainConfig, run_paths: RunPaths, say: Callable[[str], None]) -> None:
    """Look at the pictures, load every weight file that is named, and tell the memory that each size takes.

    Raises what ``train`` would raise before its first step; writes nothing.
    """
    pictures_of(config, run_paths, say)
    losses_of_phases(config, torch.device("cpu"), run_paths.models)
    network, discriminator = starting_networks(config, run_paths.models)
    say(
        f"starts from {config.init_from or 'random weights'}: {_millions(network)} M parameters at {config.phases[0].size} px"
    )
    if discriminator is not None:
        say(f"discriminator: {_millions(discriminator)} M parameters")
    for size in sorted({phase.size for phase in config.phases}):
        say(f"memory at {size} px, in float32, worked out: {memory_of(config, size).text()}")
    steps = sum(phase.steps * phase.batch for phase in config.phases)
    say(f"{config.steps} steps, {steps} pictures")


def _millions(module: torch.nn.Module) -> str:
    return f"{sum(parameter.numel() for parameter in module.parameters()) / 1e6:.1f}"

"""What a run starts from: nothing, a prior, an inference checkpoint, or a training checkpoint with its discriminator."""

from __future__ import annotations

from pathlib import Path

from ..checkpoints.load import load_checkpoint
from ..checkpoints.store import resolve_model
from ..errors import OptionError
from ..model import Gpen, GpenConfig, build_discriminator
from ..model.growing import let_features_in
from .config import PhaseConfig, TrainConfig
from .learner import Judge, sized, sized_discriminator


def starting_networks(config: TrainConfig, phase: PhaseConfig, folders: tuple[Path, ...]) -> tuple[Gpen, Judge | None]:
    """The network of the first phase and, where the run is adversarial, its discriminator. New weights come from torch's
    global random state."""
    wanted = sized(config.model, phase.size)
    network = _initial(config.init_from, wanted, folders) if config.init_from else _new(config, wanted)
    if config.discriminator is None or config.adversarial.weight <= 0:
        return network, None
    return network, build_discriminator(sized_discriminator(config.discriminator, phase.size * config.model.scale))


def _new(config: TrainConfig, wanted: GpenConfig) -> Gpen:
    network = Gpen(wanted)
    if config.stage == "restore":
        let_features_in(network)
    return network


def _initial(name: str, wanted: GpenConfig, folders: tuple[Path, ...]) -> Gpen:
    path = resolve_model(name, folders)
    model = load_checkpoint(path)
    if model.config != wanted:
        raise OptionError(
            f"init_from {path.name} is {model.config}, but the first phase trains {wanted}. Change [model] or the first "
            "phase's size."
        )
    return model.module

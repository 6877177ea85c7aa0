"""Whether the parts of a configuration fit together: found out before the first step, not when the last phase begins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ..checkpoints.catalog import TASKS
from ..errors import OptionError
from .losses import LOSS_KINDS, LossConfig
from .sizes import sized, sized_discriminator

if TYPE_CHECKING:
    from .config import TrainConfig

_LARGEST_GROWTH = 12  # octaves
_COLOURS = 3  # a network that grows carries the picture through its new first layer


def choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise OptionError for a value that is none of the choices."""
    if value not in choices:
        raise OptionError(f"{name} is one of {', '.join(choices)}, not '{value}'")


def at_least(low: float, **values: float) -> None:
    """Raise OptionError, by name, for a value below ``low`` or that is no number."""
    for name, value in values.items():
        if not low <= value < float("inf"):
            raise OptionError(f"{name} is a number of at least {low:g}, not {value}")


def share(**values: float) -> None:
    """Raise OptionError, by name, for a value that is not in 0 … below 1."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise OptionError(f"{name} is a share, 0 … below 1, not {value}")


def check_together(config: TrainConfig) -> None:
    """Raise OptionError for a run that could not be finished."""
    _check_sizes(config)
    _check_learning(config)
    _check_networks(config)
    for phase in config.phases:
        check_losses(phase.losses or config.losses)


def check_losses(losses: Sequence[LossConfig]) -> None:
    """Known kinds, each once: a loss is known by its kind in the logs."""
    kinds = [loss.kind for loss in losses]
    for kind in kinds:
        choice("the kind of a loss", kind, LOSS_KINDS)
        if kinds.count(kind) > 1:
            raise OptionError(f"the loss '{kind}' is asked for twice: give it once, with the sum of the weights")


def _check_sizes(config: TrainConfig) -> None:
    phases, model = config.phases, config.model
    if not phases:
        raise OptionError("a run needs at least one [[phases]]")
    if phases[-1].size != model.input_size:
        raise OptionError(f"the last phase is for {phases[-1].size} px, the model for {model.input_size}")
    for before, phase in pairwise(phases):
        if phase.size not in (before.size << octaves for octaves in range(_LARGEST_GROWTH)):
            raise OptionError(f"a network grows by doubling: {phase.size} px cannot follow {before.size}")
    grown = [phase.size for phase in phases if phase.size > phases[0].size]
    if not grown:
        return
    if model.family != "published":
        raise OptionError("only networks of the published family grow: give every phase the model's size")
    if model.scale != 1:
        raise OptionError("a network that enlarges its input cannot grow: give every phase the model's size")
    narrowest = min(sized(model, size).channels[-1] for size in grown)
    if narrowest < _COLOURS:
        raise OptionError(
            f"{narrowest} channels at a size grown to cannot carry three colours: give {_COLOURS} or more"
        )


def _check_learning(config: TrainConfig) -> None:
    adversarial = config.adversarial
    if config.stage == "prior" and adversarial.weight <= 0:
        raise OptionError("stage 'prior' learns from its discriminator alone: adversarial.weight must be above 0")
    if config.copy_input and (config.stage == "prior" or config.init_from or len(config.phases) > 1):
        raise OptionError(
            "copy_input is for a new network of stage 'restore' that has its full size from the first phase on"
        )
    compares = adversarial.feature_matching or config.losses or any(phase.losses for phase in config.phases)
    if config.stage == "prior" and compares:
        raise OptionError(
            "stage 'prior' makes faces of noise, which are like no others: no [[losses]], no feature_matching"
        )
    if config.stage == "restore" and adversarial.weight <= 0:
        if not all(phase.losses or config.losses for phase in config.phases):
            raise OptionError("nothing to learn from: give [[losses]] or an [adversarial] weight")
        if adversarial.feature_matching:
            raise OptionError("feature_matching needs a discriminator that learns: give an adversarial.weight above 0")
    if TASKS[config.task].unshifted:
        raise OptionError(f"task '{config.task}' takes pictures of another kind than degraded faces: not trained here")


def _check_networks(config: TrainConfig) -> None:
    """Building the configurations of every phase raises what is wrong with them."""
    if config.encoder_weights and config.model.has_features:
        raise OptionError(f"encoder_weights are a ResNet's; the model's encoder is '{config.model.encoder}'")
    wanted = config.model.output_size
    if config.adversarial.weight > 0 and config.discriminator is None:
        raise OptionError("an adversarial loss needs a [discriminator]")
    if config.discriminator is not None and config.discriminator.size != wanted:
        raise OptionError(f"the discriminator is for {config.discriminator.size} px, the model makes {wanted}")
    for phase in config.phases:
        sized(config.model, phase.size)
        if config.discriminator is not None:
            sized_discriminator(config.discriminator, phase.size * config.model.scale)

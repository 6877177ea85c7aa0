"""What a run starts from: nothing, a prior, an inference checkpoint, or a training checkpoint with its discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ...checkpoints.discriminators import load_discriminator
from ...checkpoints.imagenet import load_imagenet_encoder
from ...checkpoints.load import load_checkpoint
from ...commands import gpen
from ...errors import OptionError, TrainingError
from ...model import DiscriminatorConfig, Gpen, GpenConfig, build_discriminator
from ...model.copying import copy_input
from ...model.growing import grow, let_features_in
from ...model.widening import widen
from ...weights.find import find_file, resolve_model
from ...weights.reading import read_checkpoint
from .config import TrainConfig
from .learner import AnyDiscriminator, Learner
from .randomness import Stream, seed_of
from .sizes import sized, sized_discriminator


def starting_networks(config: TrainConfig, folders: tuple[Path, ...]) -> tuple[Gpen, AnyDiscriminator | None]:
    """The network of the first phase and, where the run is adversarial, its discriminator: that of ``init_from``, where
    it has one, or a fresh one. New weights come from torch's global random state, which is seeded for them."""
    torch.manual_seed(seed_of(config.seed, Stream.INITIAL))
    network_config, discriminator_config = _configs(config, config.phases[0].size)
    if not config.init_from:
        network = _new(config, network_config, folders)
        return network, _fresh(discriminator_config)
    path = resolve_model(config.init_from, folders)
    return _given(path, network_config), _given_discriminator(path, discriminator_config) or _fresh(
        discriminator_config
    )


def empty_networks(config: TrainConfig, size: int) -> tuple[Gpen, AnyDiscriminator | None]:
    """Networks of a phase's size, for a state to be loaded into."""
    if size > config.model.input_size:
        raise TrainingError(f"the saved network is of {size} px, larger than the model's {config.model.input_size}")
    network_config, discriminator_config = _configs(config, size)
    return Gpen(network_config), _fresh(discriminator_config)


def grown_networks(config: TrainConfig, size: int, learner: Learner) -> tuple[Gpen, AnyDiscriminator | None, Gpen]:
    """The network of a larger phase, its fresh discriminator, and the grown average. New weights come from torch's global
    random state, which is seeded for them."""
    network, average = learner.network, learner.average
    while network.config.input_size < size:
        larger = sized(config.model, network.config.input_size * 2)
        seed = seed_of(config.seed, Stream.GROWTH, larger.input_size)
        torch.manual_seed(seed)
        network = grow(network, larger)
        torch.manual_seed(seed)  # what is new in the average is what is new in the network
        average = grow(average, larger)
    return network, _fresh(_configs(config, size)[1]), average


def _configs(config: TrainConfig, size: int) -> tuple[GpenConfig, DiscriminatorConfig | None]:
    network = sized(config.model, size)
    if config.discriminator is None or not config.adversarially:
        return network, None
    return network, sized_discriminator(config.discriminator, network.output_size)


def _fresh(config: DiscriminatorConfig | None) -> AnyDiscriminator | None:
    return None if config is None else build_discriminator(config)


def _new(config: TrainConfig, wanted: GpenConfig, folders: tuple[Path, ...]) -> Gpen:
    network = Gpen(wanted)
    if config.copy_input:
        copy_input(network)
    elif config.stage == "restore":
        let_features_in(network)
    if config.encoder_weights:
        path = Path(config.encoder_weights).expanduser()
        load_imagenet_encoder(network, path if path.is_file() else find_file(path.name, folders) or path)
    return network


def _given(path: Path, wanted: GpenConfig) -> Gpen:
    """The checkpoint's network, widened where that is all it lacks."""
    model = load_checkpoint(path)
    if _but_for_channels(model.config) == _but_for_channels(wanted) and model.config != wanted:
        return widen(model.network, wanted)
    if model.config != wanted:
        raise OptionError(
            f"init_from {path.name} is {model.config}, but the first phase trains {wanted}. Change [model] or the first "
            "phase's size."
        )
    return model.network


def _but_for_channels(config: GpenConfig) -> dict[str, Any]:
    return {**asdict(config), "channels": None}


def _given_discriminator(path: Path, wanted: DiscriminatorConfig | None) -> AnyDiscriminator | None:
    """The discriminator of a training checkpoint; None where there is none."""
    if wanted is None or not isinstance(read_checkpoint(path).content.get("d"), Mapping):
        return None
    discriminator = load_discriminator(path)
    if discriminator.config != wanted:
        raise OptionError(
            f"the discriminator in init_from {path.name} is {discriminator.config}, but the first phase trains {wanted}. "
            f"Change [discriminator], or use a file without one: {gpen('convert')} makes it."
        )
    return discriminator

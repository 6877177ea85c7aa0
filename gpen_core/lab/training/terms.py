"""What a step minimises: named terms, each with its weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...model import Gpen
from ...weights.find import find_file
from .config import TrainConfig
from .learner import AnyDiscriminator
from .losses import (
    LossConfig,
    PathLength,
    PictureLoss,
    build_picture_losses,
    discriminator_loss,
    feature_matching,
    generator_loss,
    r1_penalty,
)
from .randomness import Noise, Stream
from .samples import Batch
from .stages import Stage

Terms = dict[str, tuple[float, Tensor]]  # weight and unweighted value, a float32 scalar


@dataclass(frozen=True, eq=False)
class TermMaker:
    """``across`` averages a number over the processes; random numbers are drawn on ``device``."""

    config: TrainConfig
    stage: Stage
    losses: Sequence[PictureLoss]
    across: Callable[[Tensor], Tensor]
    device: torch.device

    def generator(self, network: Gpen, discriminator: AnyDiscriminator | None, batch: Batch) -> Terms:
        made = self.stage.pictures(network, batch, self._noise(Stream.LATENTS))
        terms: Terms = {loss.name: (loss.weight, loss(made, batch.target)) for loss in self.losses}
        return terms if discriminator is None else terms | self._adversarial(discriminator, made, batch)

    def _adversarial(self, discriminator: AnyDiscriminator, made: Tensor, batch: Batch) -> Terms:
        weights = self.config.adversarial
        if not weights.feature_matching:
            return {"adversarial": (weights.weight, generator_loss(discriminator(made)))}
        logits, found = discriminator.features(made)
        with torch.no_grad():
            _, wanted = discriminator.features(batch.target)
        return {
            "adversarial": (weights.weight, generator_loss(logits)),
            "feature_matching": (weights.feature_matching, feature_matching(found, wanted)),
        }

    def path_length(self, network: Gpen, path: PathLength, batch: Batch) -> Terms:
        weights, batch = self.config.adversarial, batch.first(path.batch(len(batch.numbers)))
        made, styles = self.stage.with_styles(network, batch, self._noise(Stream.PATH))
        directions = self._noise(Stream.PATH_DIRECTIONS).generator(batch.numbers[0])
        value = path(made.float(), styles, directions, self.across)
        return {"path_length": (weights.path_length * weights.path_every, value)}

    def discriminator(self, network: Gpen, discriminator: AnyDiscriminator, batch: Batch) -> Terms:
        with torch.no_grad():
            made = self.stage.pictures(network, batch, self._noise(Stream.DISCRIMINATOR_LATENTS))
        return {"discriminator": (1.0, discriminator_loss(discriminator(batch.target), discriminator(made)))}

    def r1(self, discriminator: AnyDiscriminator, batch: Batch) -> Terms:
        weights = self.config.adversarial
        real = batch.target.detach().requires_grad_(True)
        return {"r1": (weights.r1_every, r1_penalty(discriminator(real), real, gamma=weights.r1))}

    def _noise(self, stream: Stream) -> Noise:
        return Noise(self.config.seed, stream, self.device)


def losses_of_phases(
    config: TrainConfig, device: torch.device, folders: Sequence[Path]
) -> dict[tuple[LossConfig, ...], tuple[PictureLoss, ...]]:
    """The losses of every phase, by their configurations. All are built before the first step: what is missing for the last
    phase should not be found out when it begins."""
    wanted = {phase.losses or config.losses for phase in config.phases}
    return {
        losses: build_picture_losses(losses, device=device, find=lambda name: find_file(name, folders))
        for losses in wanted
    }

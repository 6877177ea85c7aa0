"""What a step minimises: named terms, each with its weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..model import Gpen
from .config import TrainConfig
from .learner import Judge
from .losses import PathLength, PictureLoss, discriminator_loss, feature_matching, generator_loss, r1_penalty
from .samples import Batch
from .stages import Stage

Terms = dict[str, tuple[float, Tensor]]  # weight and unweighted value, a float32 scalar


@dataclass(frozen=True, eq=False)
class TermMaker:
    """``across`` averages a number over the processes."""

    config: TrainConfig
    stage: Stage
    losses: Sequence[PictureLoss]
    across: Callable[[Tensor], Tensor]

    def generator(self, network: Gpen, judge: Judge | None, batch: Batch, noise: torch.Generator) -> Terms:
        made = self.stage.pictures(network, batch, noise)
        terms: Terms = {}
        if self.config.stage == "restore":
            terms = {loss.name: (loss.weight, loss(made, batch.target)) for loss in self.losses}
        return terms if judge is None else terms | self._judged(judge, made, batch)

    def _judged(self, judge: Judge, made: Tensor, batch: Batch) -> Terms:
        weights = self.config.adversarial
        if not weights.feature_matching:
            return {"adversarial": (weights.weight, generator_loss(judge(made)))}
        logits, found = judge.features(made)
        with torch.no_grad():
            _, wanted = judge.features(batch.target)
        return {
            "adversarial": (weights.weight, generator_loss(logits)),
            "feature_matching": (weights.feature_matching, feature_matching(found, wanted)),
        }

    def path_length(self, network: Gpen, path: PathLength, batch: Batch, noise: torch.Generator) -> Terms:
        weights, count = self.config.adversarial, path.batch(len(batch.target))
        made, styles = self.stage.with_styles(network, Batch(batch.low[:count], batch.target[:count]), noise)
        value = path(made.float(), styles, noise, self.across)
        return {"path_length": (weights.path_length * weights.path_every, value)}

    def discriminator(self, network: Gpen, judge: Judge, batch: Batch, noise: torch.Generator) -> Terms:
        with torch.no_grad():
            made = self.stage.pictures(network, batch, noise)
        return {"discriminator": (1.0, discriminator_loss(judge(batch.target), judge(made)))}

    def r1(self, judge: Judge, batch: Batch) -> Terms:
        weights = self.config.adversarial
        real = batch.target.detach().requires_grad_(True)
        return {"r1": (weights.r1_every, r1_penalty(judge(real), real, gamma=weights.r1))}

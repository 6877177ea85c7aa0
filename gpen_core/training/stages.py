"""The two stages: a generator alone, from noise; and the same generator behind its encoder, from degraded faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..model import Gpen
from .samples import Batch, Share


class Stage(Protocol):
    """How a network makes pictures [N, 3, S', S'], nominally in [-1, 1], of a batch; ``noise`` draws what that needs."""

    def pictures(self, network: Gpen, batch: Batch, noise: torch.Generator) -> Tensor: ...

    def with_styles(self, network: Gpen, batch: Batch, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """Also the styles w [N, style_dim] they came of, in the same graph."""


class RestoreStage:
    """Restores ``batch.low``."""

    def pictures(self, network: Gpen, batch: Batch, noise: torch.Generator) -> Tensor:
        restored: Tensor = network(batch.low, noise)
        return restored

    def with_styles(self, network: Gpen, batch: Batch, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        z, features = network.encode(batch.low)
        w = network.generator.style(z)
        pairs = [(feature, feature) for feature in features]
        above = network.noise_features(batch.low, noise, start=network.config.encoder_levels)
        return network.generator.synthesize(w, pairs + above), w


@dataclass(frozen=True)
class PriorStage:
    """Makes faces of Gaussian styles and Gaussian features; of the batch it takes only how many. A sample's numbers are
    the same however many processes share the batch."""

    share: Share = Share()

    def pictures(self, network: Gpen, batch: Batch, noise: torch.Generator) -> Tensor:
        return self.with_styles(network, batch, noise)[0]

    def with_styles(self, network: Gpen, batch: Batch, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        everyone = batch.target.new_empty(len(batch.target) * self.share.world)
        z = torch.randn(len(everyone), network.config.style_dim, generator=noise).to(everyone)
        pairs = network.noise_features(everyone, noise)
        mine = slice(self.share.rank, None, self.share.world)
        w = network.generator.style(z[mine])
        return network.generator.synthesize(w, [(first[mine], second[mine]) for first, second in pairs]), w

"""The two stages: a generator alone, from noise; and the same generator behind its encoder, from degraded faces."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from ...model import Gpen
from .randomness import Noise
from .samples import Batch

Features = list[tuple[Tensor, Tensor]]


class Stage(Protocol):
    """How a network makes pictures [N, 3, S', S'], nominally in [-1, 1], of a batch; ``noise`` draws what that needs, each
    sample's numbers by themselves."""

    def pictures(self, network: Gpen, batch: Batch, noise: Noise) -> Tensor: ...

    def with_styles(self, network: Gpen, batch: Batch, noise: Noise) -> tuple[Tensor, Tensor]:
        """Also the styles w [N, layers, style_dim] they came of, in the same graph: one for each layer, all alike, so that
        a path's length can be taken layer by layer as published."""


class RestoreStage:
    """Restores ``batch.low``."""

    def pictures(self, network: Gpen, batch: Batch, noise: Noise) -> Tensor:
        if network.config.has_features and network.config.scale > 1:  # levels above the encoder's are noise
            return self.with_styles(network, batch, noise)[0]
        restored: Tensor = network(batch.low)
        return restored

    def with_styles(self, network: Gpen, batch: Batch, noise: Noise) -> tuple[Tensor, Tensor]:
        z, features = network.encode(batch.low)
        pairs = [(feature, feature) for feature in features]
        styles = _per_layer(network, z)
        above = _noise_features(network, batch.low, noise.of(batch.numbers), start=network.config.encoder_levels)
        return network.generator.synthesize(styles, pairs + above), styles


class PriorStage:
    """Makes faces of Gaussian styles and Gaussian features; of the batch it takes only the samples' numbers."""

    def pictures(self, network: Gpen, batch: Batch, noise: Noise) -> Tensor:
        return self.with_styles(network, batch, noise)[0]

    def with_styles(self, network: Gpen, batch: Batch, noise: Noise) -> tuple[Tensor, Tensor]:
        generators = noise.of(batch.numbers)
        z = [torch.randn(network.config.style_dim, generator=one, device=one.device) for one in generators]
        styles = _per_layer(network, torch.stack(z).to(batch.target))
        pairs = _noise_features(network, batch.target, generators)
        return network.generator.synthesize(styles, pairs), styles


def _per_layer(network: Gpen, z: Tensor) -> Tensor:
    """z [N, style_dim] → w [N, layers, style_dim], the mapping network's result for every layer."""
    w: Tensor = network.generator.style(z)
    return w[:, None].repeat(1, network.config.style_layers, 1)


def _noise_features(network: Gpen, like: Tensor, generators: list[torch.Generator], start: int = 0) -> Features:
    """Noise maps from level ``start`` up, of each generator one picture's."""
    one = like.new_empty(1)
    samples = [network.noise_features(one, generator, start=start) for generator in generators]
    return [
        (torch.cat([first for first, _ in level]), torch.cat([second for _, second in level]))
        for level in zip(*samples)
    ]

"""Distances between what a frozen ImageNet network sees in two pictures (Johnson et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ....errors import OptionError
from .base import check_pictures

# torchvision's and pytorch/examples' normalization, of RGB in [0, 1]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_FLOOR = 1e-6  # of a layer's mean activation: a black picture may leave a layer silent


class FeatureNetwork(Protocol):
    """Pictures [N, 3, H, W] RGB in [-1, 1] → one map per named layer, shallowest first, in the network's precision."""

    @property
    def layers(self) -> tuple[str, ...]: ...

    def __call__(self, pictures: Tensor, depth: int | None = None) -> list[Tensor]:
        """``depth``: how many layers to compute, from the shallowest; all where None."""


@dataclass(frozen=True, eq=False)
class FeatureLoss:
    """Σ over layers of factor · mean |f(restored) − f(target)|.

    ``relative``: each layer's distance is divided by the target's own mean |f|. Layers differ in scale by an order of
    magnitude; so divided, each contributes a relative error, and the factors mean what they say.
    """

    name: str
    weight: float
    network: FeatureNetwork
    factors: tuple[float, ...]  # one per layer; those after the last above 0 are not computed
    relative: bool = False

    def __post_init__(self) -> None:
        if len(self.factors) != len(self.network.layers):
            raise OptionError(
                f"the loss '{self.name}' has {len(self.network.layers)} layers ({', '.join(self.network.layers)}), "
                f"not {len(self.factors)}: give one of layer_weights for each"
            )

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        check_pictures(restored, target)
        depth = max(index for index, factor in enumerate(self.factors) if factor) + 1
        with torch.no_grad():
            wanted = self.network(target, depth)
        found = self.network(restored, depth)
        distances = [
            factor * self._distance(ours.float(), theirs.float())
            for factor, ours, theirs in zip(self.factors, found, wanted)
            if factor
        ]
        return torch.stack(distances).sum()

    def _distance(self, found: Tensor, wanted: Tensor) -> Tensor:
        distance = (found - wanted).abs().mean()
        return distance / wanted.abs().mean().clamp_min(_FLOOR) if self.relative else distance


class Trunk(nn.Module):
    """A frozen network's first steps, cut into parts after each layer looked at: a FeatureNetwork.

    ``ends``: layer's name → how many of ``steps`` lead to it. No step may overwrite what the one before returned.
    """

    def __init__(self, steps: Sequence[nn.Module], ends: Mapping[str, int]) -> None:
        super().__init__()
        self.layers = tuple(ends)
        self.prepare = ImageNetInput()
        bounds = list(ends.values())
        self.parts = nn.ModuleList(nn.Sequential(*steps[start:end]) for start, end in zip([0, *bounds], bounds))

    def forward(self, pictures: Tensor, depth: int | None = None) -> list[Tensor]:
        found, x = [], self.prepare(pictures)
        for part in self.parts[:depth]:
            x = part(x)
            found.append(x)
        return found


class ImageNetInput(nn.Module):
    """[N, 3, H, W] RGB in [-1, 1] → normalized as ImageNet classifiers are trained, float32, channels last on the CPU."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        # of pictures in [-1, 1]: x01 = (x + 1) / 2, so both double, and the mean shifts by one
        self.register_buffer("mean", _as_channels(2 * value - 1 for value in IMAGENET_MEAN), persistent=False)
        self.register_buffer("deviation", _as_channels(2 * value for value in IMAGENET_STD), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        normalized = (pictures.float() - self.mean) / self.deviation
        if normalized.device.type == "cpu":  # where oneDNN's convolutions are faster so
            normalized = normalized.contiguous(memory_format=torch.channels_last)
        return normalized


def _as_channels(values: Iterable[float]) -> Tensor:
    return torch.tensor(list(values), dtype=torch.float32)[None, :, None, None]

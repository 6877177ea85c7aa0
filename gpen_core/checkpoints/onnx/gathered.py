"""What has been read of a network so far, and what is asked of its values again and again."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .values import Activation, Fir, Linear, Map, Norm, NotReadable, Origin, Part, Picture


@dataclass
class Weights:
    """What has been read so far, under the published names, and the range that the graph moves pictures from and to."""

    state: dict[str, Tensor] = field(default_factory=dict)
    channels: list[int] = field(default_factory=list)  # from the largest level down
    concatenate: bool = True
    mapping_layers: int = 0
    style_dim: int = 0
    encoder: list[Activation] = field(default_factory=list)  # from the smallest map up
    seen: dict[Origin, float] = field(default_factory=dict)  # by what the next layer sees an activation scaled
    w_seen: float | None = None  # the same of w
    pictures: Part = field(default_factory=lambda: Part(Picture(), 3))
    result: Part = field(default_factory=lambda: Part(Picture(), 3))


def linear_of(vector: Map) -> tuple[Linear, Part]:
    """The linear layer that made a vector, and what was done to its result."""
    part = vector.only
    while isinstance(part.origin, Norm):
        part = part.origin.source.only
    if not isinstance(part.origin, Linear):
        raise NotReadable("a style is made by no linear layer")
    return part.origin, part


def before_filters(map_: Map) -> Part:
    """A map before filters, with their scale."""
    part = map_.only
    while isinstance(part.origin, Fir):
        inner = part.origin.source.only
        part = Part(inner.origin, inner.channels, inner.scale * part.scale, inner.shift, part.by or inner.by)
    return part


def scale_of(part: Part) -> float:
    """A factor that is the same for all channels."""
    scale = part.scale
    if not isinstance(scale, Tensor):
        return float(scale)
    mean = float(scale.mean())
    if not torch.allclose(scale, torch.full_like(scale, mean), rtol=1e-4, atol=0):
        raise NotReadable("a map's channels are scaled each by a number of its own")
    return mean

"""From a followed graph to a GPEN network's configuration and weights: backwards, from the picture that comes out.

A leaky ReLU commutes with positive factors, so exporters may have put the √2 of every activation, and gains, anywhere between
two layers. What a map is taken to be is what the next layer sees of it; what its own layer lacks to that goes into that layer's
weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...model import GpenConfig
from ...model.ops import ACTIVATION_GAIN
from .extract_encoder import read_encoder, read_mapping
from .gathered import Weights, before_filters, linear_of, scale_of
from .values import (
    Activation,
    Conv,
    Factor,
    Fir,
    Map,
    NotReadable,
    Part,
    Start,
    Sum,
    per_channel,
)

_NEARLY = 1e-3  # by how much a demodulated convolution's factor may differ from 1


@dataclass
class _Level:
    """A resolution of the generator: its layers, as they are found."""

    rgb: Conv
    bias: Factor
    second: Activation


def extract(result: Map) -> Weights:
    """The weights of the network that ends in ``result``. Raises NotReadable where it is no GPEN network."""
    weights = Weights()
    weights.result = result.only
    levels = _levels(result)[::-1]
    for index, level in enumerate(levels):
        _generator_level(weights, index, level)
    w = levels[0].rgb.style
    if w is None:
        raise NotReadable("its colors are steered by no style")
    read_mapping(weights, linear_of(w)[0].source)
    read_encoder(weights)
    return weights


def config_of(weights: Weights, size: int) -> GpenConfig:
    """The configuration of a network of ``size`` pixels."""
    return GpenConfig(
        size, 4 << (len(weights.channels) - 1), tuple(weights.channels), weights.style_dim, weights.mapping_layers,
        weights.concatenate,
    )  # fmt: skip


def _levels(result: Map) -> list[_Level]:
    """From the largest down: the RGB image is a sum of what each level adds to the one below, enlarged."""
    levels, rest = [], Map((Part(result.only.origin, 3),))
    while True:
        part = rest.only
        if isinstance(part.origin, Sum):
            added, below = part.origin.first, part.origin.second
            if isinstance(added.only.origin, Fir):
                added, below = below, added
            if not isinstance(below.only.origin, Fir):
                raise NotReadable("it adds colors that were not enlarged")
            bias: Factor = added.only.shift + part.shift
            rest = below.only.origin.source.times(below.only.scale)
        else:
            added, bias = Map((Part(part.origin, 3),)), part.shift
        rgb = added.only.origin
        if not isinstance(rgb, Conv) or tuple(rgb.weight.shape[:1] + rgb.weight.shape[2:]) != (3, 1, 1):
            raise NotReadable("its colors are made by no 1×1 convolution")
        if not isinstance(rgb.source, Map):
            raise NotReadable("its colors are made of a constant")
        scale = added.only.scale * (1.0 if isinstance(part.origin, Sum) else part.scale)
        source = before_filters(rgb.source)
        if not isinstance(source.origin, Activation):
            raise NotReadable("its colors are made of what is no styled layer's")
        colors = Conv(
            rgb.weight * per_channel(scale, 3).reshape(3, 1, 1, 1), rgb.source, rgb.style or source.by, 1, up=False
        )
        levels.append(_Level(colors, bias, source.origin))
        if not isinstance(part.origin, Sum):
            return levels


def _generator_level(weights: Weights, index: int, level: _Level) -> None:
    """Smallest first, and of a level the last layer, so that what reads a map is known before what makes it."""
    assert isinstance(level.rgb.source, Map)  # noqa: S101 - seen in _levels
    scale = scale_of(before_filters(level.rgb.source))
    weights.seen[level.second] = scale
    names = (
        ["generator.conv1"] if index == 0 else [f"generator.convs.{2 * index - 1}", f"generator.convs.{2 * index - 2}"]
    )
    layer = level.second
    for name in names:
        source = _styled(weights, name, layer)
        if name != names[-1]:
            if not isinstance(source, Part) or not isinstance(source.origin, Activation):
                raise NotReadable(f"{name} reads what is no styled layer's")
            layer = source.origin
    if index == 0:
        if not isinstance(source, Tensor):
            raise NotReadable("its generator does not begin with a constant")
        weights.state["generator.input.input"] = source
    rgb = "generator.to_rgb1" if index == 0 else f"generator.to_rgbs.{index - 1}"
    weights.state[f"{rgb}.conv.weight"] = (level.rgb.weight * math.sqrt(level.rgb.weight.shape[1]))[None]
    weights.state[f"{rgb}.bias"] = per_channel(level.bias, 3).reshape(1, 3, 1, 1)
    _modulation(weights, rgb, level.rgb.style)


def _styled(weights: Weights, name: str, layer: Activation) -> Part | Tensor:
    """A styled convolution with its feature and bias; → what it reads."""
    raw, feature, shift = _joined(weights, layer)
    conv = raw.origin
    if not isinstance(conv, Conv) or tuple(conv.weight.shape[2:]) != (3, 3):
        raise NotReadable(f"{name} is no 3×3 convolution")
    gain = _seen(weights, layer) / ACTIVATION_GAIN
    if abs(scale_of(raw) * gain - 1) > _NEARLY:
        raise NotReadable(f"{name} is scaled by {scale_of(raw) * gain:.4f} after its demodulation")
    if not isinstance(feature.origin, Activation):
        raise NotReadable(f"{name} is joined by what is no encoder's feature")
    if name == "generator.conv1" or name.endswith(tuple("02468")):  # of each level once
        weights.encoder.append(feature.origin)
        weights.channels.append(len(conv.weight))
    weights.state[f"{name}.conv.weight"] = (conv.weight * math.sqrt(conv.weight[0].numel()))[None]
    weights.state[f"{name}.activate.bias"] = shift * gain
    weights.state[f"{name}.noise.weight"] = torch.tensor(
        [scale_of(feature) * gain]
    )  # times 1/seen of the feature, at the end
    source = conv.source
    if isinstance(source, Map):
        part = before_filters(source)
        _modulation(weights, name, conv.style or part.by)
        if isinstance(part.origin, Start):
            return part.origin.value * part.scale
        if isinstance(part.origin, Activation):
            weights.seen.setdefault(part.origin, scale_of(part))
        return part
    _modulation(weights, name, conv.style)
    return source


def _joined(weights: Weights, layer: Activation) -> tuple[Part, Part, Tensor]:
    """What is convolved and the feature, before the leaky ReLU, and all biases."""
    parts = layer.source.parts
    weights.concatenate = len(parts) == 2
    if weights.concatenate:
        first, second = (before_filters(Map((part,))) for part in parts)
        return first, second, torch.cat([per_channel(part.shift, part.channels) for part in parts])
    (part,) = parts
    if not isinstance(part.origin, Sum):
        raise NotReadable("a styled layer is joined by no feature")
    pieces = [before_filters(each.times(part.scale)) for each in (part.origin.first, part.origin.second)]
    first, second = sorted(pieces, key=lambda piece: isinstance(piece.origin, Activation))
    bias = per_channel(part.shift, part.channels) + first.shift + second.shift
    return first, second, bias


def _modulation(weights: Weights, name: str, style: Map | None) -> None:
    if style is None:
        raise NotReadable(f"{name} is steered by no style")
    linear, part = linear_of(style)
    seen = scale_of(before_filters(linear.source))
    weights.w_seen = weights.w_seen or seen
    weight = linear.weight * per_channel(part.scale, part.channels)[:, None] * (seen / weights.w_seen)
    weights.style_dim = weight.shape[1]
    weights.state[f"{name}.conv.modulation.weight"] = weight * math.sqrt(weight.shape[1])
    weights.state[f"{name}.conv.modulation.bias"] = per_channel(part.shift, part.channels)


def _seen(weights: Weights, layer: Activation) -> float:
    return weights.seen.get(layer, ACTIVATION_GAIN)

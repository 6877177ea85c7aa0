"""From a followed graph to a GPEN network's configuration and weights: backwards, from the picture that comes out.

A leaky ReLU commutes with positive factors, so exporters may have put the √2 of every activation, and gains, anywhere between
two layers. What a map is taken to be is what the next layer sees of it; what its own layer lacks to that goes into that layer's
weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...model import GpenConfig
from ...model.config import MAPPING_LR_MULTIPLIER
from ...model.ops import ACTIVATION_GAIN
from .values import (
    Activation,
    Conv,
    Factor,
    Fir,
    Linear,
    Map,
    Norm,
    NotReadable,
    Origin,
    Part,
    Picture,
    Start,
    Sum,
    per_channel,
)

_NEARLY = 1e-3  # by how much a demodulated convolution's factor may differ from 1


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
    _mapping(weights, _linear_of(w)[0].source)
    _encoder(weights)
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
        source = _through(rgb.source)
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
    scale = _scale(_through(level.rgb.source))
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
    if abs(_scale(raw) * gain - 1) > _NEARLY:
        raise NotReadable(f"{name} is scaled by {_scale(raw) * gain:.4f} after its demodulation")
    if not isinstance(feature.origin, Activation):
        raise NotReadable(f"{name} is joined by what is no encoder's feature")
    if name == "generator.conv1" or name.endswith(tuple("02468")):  # of each level once
        weights.encoder.append(feature.origin)
        weights.channels.append(len(conv.weight))
    weights.state[f"{name}.conv.weight"] = (conv.weight * math.sqrt(conv.weight[0].numel()))[None]
    weights.state[f"{name}.activate.bias"] = shift * gain
    weights.state[f"{name}.noise.weight"] = torch.tensor(
        [_scale(feature) * gain]
    )  # times 1/seen of the feature, at the end
    source = conv.source
    if isinstance(source, Map):
        part = _through(source)
        _modulation(weights, name, conv.style or part.by)
        if isinstance(part.origin, Start):
            return part.origin.value * part.scale
        if isinstance(part.origin, Activation):
            weights.seen.setdefault(part.origin, _scale(part))
        return part
    _modulation(weights, name, conv.style)
    return source


def _joined(weights: Weights, layer: Activation) -> tuple[Part, Part, Tensor]:
    """What is convolved and the feature, before the leaky ReLU, and all biases."""
    parts = layer.source.parts
    weights.concatenate = len(parts) == 2
    if weights.concatenate:
        first, second = (_through(Map((part,))) for part in parts)
        return first, second, torch.cat([per_channel(part.shift, part.channels) for part in parts])
    (part,) = parts
    if not isinstance(part.origin, Sum):
        raise NotReadable("a styled layer is joined by no feature")
    pieces = [_through(each.times(part.scale)) for each in (part.origin.first, part.origin.second)]
    first, second = sorted(pieces, key=lambda piece: isinstance(piece.origin, Activation))
    bias = per_channel(part.shift, part.channels) + first.shift + second.shift
    return first, second, bias


def _modulation(weights: Weights, name: str, style: Map | None) -> None:
    if style is None:
        raise NotReadable(f"{name} is steered by no style")
    linear, part = _linear_of(style)
    seen = _scale(_through(linear.source))
    weights.w_seen = weights.w_seen or seen
    weight = linear.weight * per_channel(part.scale, part.channels)[:, None] * (seen / weights.w_seen)
    weights.style_dim = weight.shape[1]
    weights.state[f"{name}.conv.modulation.weight"] = weight * math.sqrt(weight.shape[1])
    weights.state[f"{name}.conv.modulation.bias"] = per_channel(part.shift, part.channels)


def _mapping(weights: Weights, w: Map) -> None:
    """From w back to the style code."""
    layers, part = list[tuple[Tensor, Tensor]](), _through(w)
    seen = weights.w_seen or 1.0
    while isinstance(part.origin, Activation):
        linear, inner = _linear_of(part.origin.source)
        part = _through(linear.source)
        layers.append(_dense(linear, inner, seen))
        seen = _scale(part)
    if not isinstance(part.origin, Norm):
        raise NotReadable("its mapping does not begin with a normalization")
    weights.mapping_layers = len(layers)
    for number, (weight, bias) in enumerate(reversed(layers), start=1):
        gain = math.sqrt(weight.shape[1]) / MAPPING_LR_MULTIPLIER
        weights.state[f"generator.style.{number}.weight"] = weight * gain
        weights.state[f"generator.style.{number}.bias"] = bias / MAPPING_LR_MULTIPLIER
    code = part.origin.source.only
    if not isinstance(code.origin, Activation):
        raise NotReadable("its style code is no activation's")
    linear, inner = _linear_of(code.origin.source)
    weight, bias = _dense(linear, inner, _scale(code))
    weights.state["final_linear.0.weight"] = weight * math.sqrt(weight.shape[1])
    weights.state["final_linear.0.bias"] = bias
    last = _through(linear.source)
    if not isinstance(last.origin, Activation):
        raise NotReadable("its style code is not made of the encoder's last map")
    weights.seen[last.origin] = _scale(last)
    if weights.encoder[0] is not last.origin:
        raise NotReadable("its smallest feature is not what its style code is made of")


def _dense(linear: Linear, part: Part, seen: float) -> tuple[Tensor, Tensor]:
    """A linear layer with a leaky ReLU, whose result is scaled by ``seen`` afterwards: weight and bias as they are applied."""
    gain = seen / ACTIVATION_GAIN
    scale = per_channel(part.scale, part.channels)[:, None]
    return linear.weight * scale * gain, per_channel(part.shift, part.channels) * gain


def _encoder(weights: Weights) -> None:
    """From the smallest map up to the picture."""
    stages = len(weights.encoder)
    for index, layer in enumerate(weights.encoder):
        stage = stages - 1 - index
        part = layer.source.only
        conv = part.origin
        if not isinstance(conv, Conv) or not isinstance(conv.source, Map):
            raise NotReadable(f"stage {stage} of its encoder is no convolution")
        gain = weights.seen[layer] / ACTIVATION_GAIN
        source = _through(conv.source)
        place = 0 if stage == 0 else 1
        scale = (per_channel(part.scale, part.channels) * gain).reshape(-1, 1, 1, 1)
        weights.state[f"ecd{stage}.0.{place}.weight"] = conv.weight * scale * math.sqrt(conv.weight[0].numel())
        weights.state[f"ecd{stage}.0.{place + 1}.bias"] = per_channel(part.shift, part.channels) * gain
        if stage == 0:
            if not isinstance(source.origin, Picture):
                raise NotReadable("its encoder does not begin with the picture")
            weights.pictures = source
        elif source.origin is not weights.encoder[index + 1]:
            raise NotReadable(f"stage {stage} of its encoder does not read the feature above")
        else:
            weights.seen[weights.encoder[index + 1]] = _scale(source)
        names = ["generator.conv1"] if index == 0 else [f"generator.convs.{2 * index - each}" for each in (1, 2)]
        for name in names:
            weights.state[f"{name}.noise.weight"] /= weights.seen[layer]


def _seen(weights: Weights, layer: Activation) -> float:
    return weights.seen.get(layer, ACTIVATION_GAIN)


def _linear_of(vector: Map) -> tuple[Linear, Part]:
    """The linear layer that made a vector, and what was done to its result."""
    part = vector.only
    while isinstance(part.origin, Norm):
        part = part.origin.source.only
    if not isinstance(part.origin, Linear):
        raise NotReadable("a style is made by no linear layer")
    return part.origin, part


def _through(map_: Map) -> Part:
    """A map before filters, with their scale."""
    part = map_.only
    while isinstance(part.origin, Fir):
        inner = part.origin.source.only
        part = Part(inner.origin, inner.channels, inner.scale * part.scale, inner.shift, part.by or inner.by)
    return part


def _scale(part: Part) -> float:
    """A factor that is the same for all channels."""
    scale = part.scale
    if not isinstance(scale, Tensor):
        return float(scale)
    mean = float(scale.mean())
    if not torch.allclose(scale, torch.full_like(scale, mean), rtol=1e-4, atol=0):
        raise NotReadable("a map's channels are scaled each by a number of its own")
    return mean

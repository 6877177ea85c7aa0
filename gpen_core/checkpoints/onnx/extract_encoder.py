"""The second half of reading a network: from w back to the style code, and from the smallest feature up to the picture."""

from __future__ import annotations

import math

from torch import Tensor

from ...model.config import MAPPING_LR_MULTIPLIER
from ...model.ops import ACTIVATION_GAIN
from .gathered import Weights, before_filters, linear_of, scale_of
from .values import Activation, Conv, Linear, Map, Norm, NotReadable, Part, Picture, per_channel


def read_mapping(weights: Weights, w: Map) -> None:
    """From w back to the style code."""
    layers, part = list[tuple[Tensor, Tensor]](), before_filters(w)
    seen = weights.w_seen or 1.0
    while isinstance(part.origin, Activation):
        linear, inner = linear_of(part.origin.source)
        part = before_filters(linear.source)
        layers.append(_dense(linear, inner, seen))
        seen = scale_of(part)
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
    linear, inner = linear_of(code.origin.source)
    weight, bias = _dense(linear, inner, scale_of(code))
    weights.state["final_linear.0.weight"] = weight * math.sqrt(weight.shape[1])
    weights.state["final_linear.0.bias"] = bias
    last = before_filters(linear.source)
    if not isinstance(last.origin, Activation):
        raise NotReadable("its style code is not made of the encoder's last map")
    weights.seen[last.origin] = scale_of(last)
    if weights.encoder[0] is not last.origin:
        raise NotReadable("its smallest feature is not what its style code is made of")


def _dense(linear: Linear, part: Part, seen: float) -> tuple[Tensor, Tensor]:
    """A linear layer with a leaky ReLU, whose result is scaled by ``seen`` afterwards: weight and bias as they are applied."""
    gain = seen / ACTIVATION_GAIN
    scale = per_channel(part.scale, part.channels)[:, None]
    return linear.weight * scale * gain, per_channel(part.shift, part.channels) * gain


def read_encoder(weights: Weights) -> None:
    """From the smallest map up to the picture."""
    stages = len(weights.encoder)
    for index, layer in enumerate(weights.encoder):
        stage = stages - 1 - index
        part = layer.source.only
        conv = part.origin
        if not isinstance(conv, Conv) or not isinstance(conv.source, Map):
            raise NotReadable(f"stage {stage} of its encoder is no convolution")
        gain = weights.seen[layer] / ACTIVATION_GAIN
        source = before_filters(conv.source)
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
            weights.seen[weights.encoder[index + 1]] = scale_of(source)
        names = ["generator.conv1"] if index == 0 else [f"generator.convs.{2 * index - each}" for each in (1, 2)]
        for name in names:
            weights.state[f"{name}.noise.weight"] /= weights.seen[layer]

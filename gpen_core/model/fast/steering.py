"""What the style makes of each layer, so that no map is scaled where its weights can be."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ..layers import EqualLinear
from ..ops import ACTIVATION_GAIN, EPSILON, LEAKY_SLOPE
from ..styled import ModulatedConv2d, StyledConv, ToRgb


def modulated(layer: StyledConv | ToRgb) -> ModulatedConv2d:
    """Its convolution: of the published family each is modulated."""
    return cast(ModulatedConv2d, layer.conv)


def linear(layer: EqualLinear, x: Tensor, gain: float = 1.0) -> Tensor:
    """``layer(x · gain)``; the equalised gain is given to the vectors, not to the much larger weight."""
    y = F.linear(x * (layer.weight_gain * gain), layer.weight, layer.bias * layer.bias_gain)
    return F.leaky_relu_(y, LEAKY_SLOPE).mul_(ACTIVATION_GAIN) if layer.activate else y


def steered_weight(conv: ModulatedConv2d, w: Tensor, gain: float) -> Tensor:
    """The convolution's weight for one style, w [1, style_dim], and inputs that lack the factor ``gain``. [O, I, k, k]"""
    weight = conv.weight[0].float() * (linear(conv.modulation, w).float() * conv.gain).reshape(1, -1, 1, 1)
    if conv.demodulate:
        weight *= weight.square().sum((1, 2, 3), keepdim=True).add_(EPSILON).rsqrt_()
    return weight.mul_(gain).to(conv.weight.dtype)


def steered_conv(conv: ModulatedConv2d, x: Tensor, w: Tensor, gain: float) -> Tensor:
    """A convolution of inputs that lack the factor ``gain``, each sample with its own style: the maps are scaled, not the
    weights. For small maps of many channels. x: [N, I, H, W], w: [N, style_dim] → [N, O, H, W]; upsampled before the
    FIR: [N, O, 2H + 1, 2W + 1]"""
    weight, style = conv.weight[0], linear(conv.modulation, w).float() * conv.gain
    outputs = None
    if conv.demodulate:
        # Scaling a whole style cancels in the demodulation: half precision shall not overflow.
        style = style / style.abs().amax(1, keepdim=True).clamp_min(EPSILON)
        energy = torch.linalg.vector_norm(weight.flatten(2), dim=2, dtype=torch.float32).square_()
        outputs = (style.square() @ energy.T).add_(EPSILON).rsqrt_().mul_(gain)
    else:
        style = style * gain
    x = x * style.to(x.dtype)[:, :, None, None]
    if conv.blur is not None:
        y = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    else:
        y = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    return y if outputs is None else y.mul_(outputs.to(y.dtype)[:, :, None, None])


class Injection(NamedTuple):
    """How a layer joins its output and the encoder's feature."""

    strength: Tensor  # of the feature, for one that lacks the leaky ReLU's √2. [1]
    bias: Tensor  # of the feature's channels, [1, C, 1, 1]
    output_bias: Tensor  # [C]: given to the convolution, or to its FIR
    concatenate: bool

    @classmethod
    def of(cls, layer: StyledConv, gain: float) -> Injection:
        noise: Any = layer.noise
        bias = layer.activate.bias
        channels = layer.conv.weight.shape[1]
        return cls(noise.weight * gain, bias[channels:].reshape(1, -1, 1, 1), bias[:channels], noise.concatenate)

    def __call__(self, y: Tensor, feature: Tensor) -> Tensor:
        """Both joined and through the leaky ReLU, but for its √2. y has its bias already; it may be overwritten."""
        if not self.concatenate:
            return F.leaky_relu_(torch.addcmul(y, feature, self.strength, out=y), LEAKY_SLOPE)
        batch, channels, rows, width = y.shape
        joined = y.new_empty(batch, rows, width, 2 * channels).permute(0, 3, 1, 2)  # channels last
        joined[:, :channels] = y
        torch.addcmul(self.bias, feature, self.strength, out=joined[:, channels:])
        return F.leaky_relu_(joined, LEAKY_SLOPE)

"""What the style makes of each layer, so that no map is scaled where its weights can be."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ..layers import EqualLinear
from ..ops import ACTIVATION_GAIN, EPSILON, LEAKY_SLOPE
from ..styled import ModulatedConv2d, StyledConv, ToRgb
from .rows import channels_last


def linear(layer: EqualLinear, x: Tensor, gain: float = 1.0) -> Tensor:
    """``layer(x · gain)``; the equalised gain is given to the vectors, not to the much larger weight."""
    y = F.linear(x * (layer.weight_gain * gain), layer.weight, layer.bias * layer.bias_gain)
    return F.leaky_relu_(y, LEAKY_SLOPE).mul_(ACTIVATION_GAIN) if layer.activate else y


class Steered:
    """A modulated convolution, its weight laid out as oneDNN reads it: [O, I, k, k], or upsampling [I, O, k, k].

    The weight is then the module's own too, so that none is held twice. Of the published family each is modulated.
    """

    def __init__(self, layer: StyledConv | ToRgb) -> None:
        conv = cast(ModulatedConv2d, layer.conv)
        self.modulation, self.gain = conv.modulation, conv.gain
        self.upsamples = conv.blur is not None
        weight = conv.weight[0]
        self.weight = channels_last(weight.transpose(0, 1) if self.upsamples else weight)
        conv.weight.data = (self.weight.transpose(0, 1) if self.upsamples else self.weight)[None]
        # ‖·‖² of each kernel, [O, I]: what the demodulation needs of the weight.
        self.energy = self._energy(conv.weight[0]) if conv.demodulate else None

    @staticmethod
    def _energy(weight: Tensor) -> Tensor:
        return torch.linalg.vector_norm(weight, dim=(2, 3), dtype=torch.float32).square_()

    def scales(self, w: Tensor, gain: float) -> tuple[Tensor, Tensor | None]:
        """w [N, style_dim] → what each sample's inputs [N, I] and outputs [N, O] are multiplied by, in float32, where the
        inputs lack the factor ``gain``. No outputs' without demodulation."""
        style = linear(self.modulation, w).float() * self.gain
        if self.energy is None:
            return style * gain, None
        # Scaling a whole style cancels in the demodulation: half precision shall not overflow.
        style = style / style.abs().amax(1, keepdim=True).clamp_min(EPSILON)
        return style, (style.square() @ self.energy.T).add_(EPSILON).rsqrt_().mul_(gain)

    def weight_for(self, w: Tensor, gain: float) -> Tensor:
        """The weight for one sample, w [1, style_dim], in the layout of ``weight``."""
        style, outputs = self.scales(w, gain)
        by_input = style.reshape((-1, 1, 1, 1) if self.upsamples else (1, -1, 1, 1))
        weight = self.weight.float() * by_input
        if outputs is not None:
            weight *= outputs.reshape((1, -1, 1, 1) if self.upsamples else (-1, 1, 1, 1))
        return weight.to(self.weight.dtype)


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

    @property
    def outputs(self) -> int:
        """Channels of the layer, before and after the feature joins them."""
        return len(self.output_bias)

    @property
    def joined(self) -> int:
        return self.outputs * (2 if self.concatenate else 1)

    def __call__(self, joined: Tensor, feature: Tensor) -> None:
        """``joined`` [N, C or 2C, rows, W], of which the first C channels hold the layer's output with its bias: the
        feature joins them, and all go through the leaky ReLU, but for its √2."""
        if self.concatenate:
            torch.addcmul(self.bias, feature, self.strength, out=joined[:, self.outputs :])
        else:
            joined.addcmul_(feature, self.strength)
        F.leaky_relu_(joined, LEAKY_SLOPE)

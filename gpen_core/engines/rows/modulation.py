"""What the style makes of each layer, so that no map is scaled where its weights can be."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ...model.layers import EqualLinear
from ...model.ops import ACTIVATION_GAIN, EPSILON, LEAKY_SLOPE
from ...model.styled import ModulatedConv2d, StyledConv, ToRgb
from .rows import ALL, channels_last


def linear(layer: EqualLinear, x: Tensor, gain: float = 1.0) -> Tensor:
    """``layer(x · gain)``; the equalised gain is given to the vectors, not to the much larger weight."""
    y = F.linear(x * (layer.weight_gain * gain), layer.weight, layer.bias * layer.bias_gain)
    return F.leaky_relu_(y, LEAKY_SLOPE).mul_(ACTIVATION_GAIN) if layer.activate else y


class Modulated:
    """A modulated convolution, its weight laid out as oneDNN reads it: [O, I, k, k], or upsampling [I, O, k, k].

    Not ``laid_out``, the weight stays the module's, for those who make kernels of their own of it.

    Of the published family each is modulated. What is worked out here is float32 at least.
    """

    def __init__(self, layer: StyledConv | ToRgb, *, laid_out: bool = True) -> None:
        conv = cast(ModulatedConv2d, layer.conv)
        self.modulation, self.gain = conv.modulation, conv.gain
        self.upsamples = conv.blur is not None
        self.dtype = torch.promote_types(conv.weight.dtype, torch.float32)
        weight = conv.weight[0]
        self.weight = channels_last(weight.transpose(0, 1) if self.upsamples else weight) if laid_out else weight
        # ‖·‖² of each kernel, [O, I]: what the demodulation needs of the weight.
        norm = torch.linalg.vector_norm(weight, dim=(2, 3), dtype=self.dtype) if conv.demodulate else None
        self.energy = None if norm is None else norm.square_()

    def scales(self, w: Tensor, gain: float) -> tuple[Tensor, Tensor | None]:
        """w [N, style_dim] → what each sample's inputs [N, I] and outputs [N, O] are multiplied by.

        The inputs lack the factor ``gain``. None for the outputs without demodulation.
        """
        style = linear(self.modulation, w).to(self.dtype) * self.gain
        if self.energy is None:
            return style * gain, None
        # The demodulation undoes whatever scales a whole style. So half precision need not overflow, neither by a large
        # style nor by the sum over many inputs: what goes in is scaled down, what comes out up.
        largest = style.abs().amax(1, keepdim=True).clamp_min(EPSILON)
        style = style / largest
        outputs = (style.square() @ self.energy.T + EPSILON / largest.square()).rsqrt_()
        return style * self.gain, outputs * (gain / self.gain)

    def weight_for(self, w: Tensor, gain: float, part: slice = ALL) -> Tensor:
        """The weight for one sample, w [1, style_dim], in the layout of ``weight``; of ``part`` of the outputs."""
        style, outputs = self.scales(w, gain)
        weight = self.weight[:, part] if self.upsamples else self.weight[part]
        weight = weight.to(self.dtype) * style.reshape((-1, 1, 1, 1) if self.upsamples else (1, -1, 1, 1))
        if outputs is not None:
            weight *= outputs[:, part].reshape((1, -1, 1, 1) if self.upsamples else (-1, 1, 1, 1))
        return weight.to(self.weight.dtype)


class Injection(NamedTuple):
    """How a layer joins its output and the encoder's feature."""

    strength: Tensor  # of the feature, for one that lacks the leaky ReLU's √2. [1]
    bias: Tensor  # of the feature's channels, [1, C, 1, 1]
    output_bias: Tensor  # [C]: given to the convolution, or to its FIR
    concatenate: bool

    @classmethod
    def of(cls, layer: StyledConv, gain: float) -> Injection:
        """That of a layer; ``gain``: the factor that its features lack."""
        noise: Any = layer.noise
        bias = layer.activate.bias
        channels = layer.conv.weight.shape[1]
        return cls(noise.weight * gain, bias[channels:].reshape(1, -1, 1, 1), bias[:channels], noise.concatenate)

    @property
    def outputs(self) -> int:
        """Channels of the layer, before the feature joins them."""
        return len(self.output_bias)

    @property
    def joined(self) -> int:
        """Channels of the layer, after the feature has joined them."""
        return self.outputs * (2 if self.concatenate else 1)

    def __call__(self, joined: Tensor, feature: Tensor, part: slice = ALL) -> None:
        """Let the feature join the layer's output, and all go through the leaky ReLU, except its √2.

        ``joined``: [N, C or 2C, rows, W], of which the first C channels hold the layer's output with its bias. ``part``: of
        those C, and of the feature's.
        """
        own = joined[:, : self.outputs][:, part]
        if not self.concatenate:
            F.leaky_relu_(own.addcmul_(feature, self.strength), LEAKY_SLOPE)
            return
        other = joined[:, self.outputs :][:, part]
        torch.addcmul(self.bias[:, part], feature, self.strength, out=other)
        # Without gaps between them, numbers take half as long.
        for rows in (own, other) if own.shape[1] < self.outputs else (joined,):
            F.leaky_relu_(rows, LEAKY_SLOPE)

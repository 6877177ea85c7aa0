"""Layers of StyleGAN2 under the names the published files use."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import ops


class EqualConv2d(nn.Module):
    """A convolution whose stored weight is scaled by 1/√(in·k²) when used (equalised learning rate, Karras et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.gain = 1 / math.sqrt(inputs * kernel**2)
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """[N, I, H, W] → [N, O, H', W']."""
        return F.conv2d(x, self.weight * self.gain, stride=self.stride, padding=self.padding)


class EqualLinear(nn.Module):
    """[N, in] → [N, out]; weight scaled by lr_multiplier/√in, bias by lr_multiplier; optionally the leaky ReLU after it."""

    def __init__(
        self, inputs: int, outputs: int, *, activate: bool, lr_multiplier: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr_multiplier))
        self.weight_gain = lr_multiplier / math.sqrt(inputs)
        self.bias_gain = lr_multiplier
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        """[N, in] → [N, out]."""
        weight, bias = self.weight * self.weight_gain, self.bias * self.bias_gain
        return _activated(F.linear(x, weight), bias) if self.activate else F.linear(x, weight, bias)


class BiasLeakyReLU(nn.Module):
    """√2 · leaky_relu(x + bias, 0.2), one bias per channel.

    Where no gradient is asked for it overwrites ``x``, which is always what the layer before it has just made.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, …] → the same shape."""
        return _activated(x, self.bias)


def _activated(x: Tensor, bias: Tensor) -> Tensor:
    return ops.leaky_relu(x, bias) if torch.is_grad_enabled() else ops.leaky_relu_(x, bias)


class Fir(nn.Module):
    """The FIR filter; its kernel is a buffer that the files carry."""

    kernel: Tensor

    def __init__(self, padding: tuple[int, int], *, gain: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("kernel", ops.fir_kernel(gain))
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → padded and filtered, [N, C, H', W']."""
        return ops.fir_filter(x, self.kernel, self.padding)


class FirUpsample(nn.Module):
    """Twice the size through the FIR; the gain of 4 that zero-stuffing costs is in the kernel."""

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", ops.fir_kernel(4.0))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] → [N, C, 2H, 2W]."""
        return ops.fir_upsample(x, self.kernel)


def conv_layer(
    inputs: int, outputs: int, kernel: int, *, downsample: bool = False, activate: bool = True
) -> nn.Sequential:
    """[blur,] convolution [, bias and leaky ReLU]: entries 0 … of the published ``ecdN.0``, ``convs.N.conv2`` and so on.

    Downsampling blurs with a padding that leaves ⌊H/2⌋ pixels after an unpadded convolution of stride 2: (2, 2) for a
    3×3 kernel, (1, 1) for 1×1.
    """
    layers: list[nn.Module] = []
    if downsample:
        pad = (kernel - 1) // 2 + 1
        layers += [Fir((pad, pad)), EqualConv2d(inputs, outputs, kernel, stride=2)]
    else:
        layers += [EqualConv2d(inputs, outputs, kernel, padding=kernel // 2)]
    if activate:
        layers.append(BiasLeakyReLU(outputs))
    return nn.Sequential(*layers)


class PixelNorm(nn.Module):
    """x · rsqrt(mean(x²) + 1e-8) along the channels."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C] → [N, C]."""
        scale = x.float().square().mean(1, keepdim=True).add(ops.EPSILON).rsqrt()
        return x * scale.to(x.dtype)

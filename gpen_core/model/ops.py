"""The arithmetic the layers share (StyleGAN2, Karras et al. 2020, arXiv 1912.04958)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

LEAKY_SLOPE = 0.2
ACTIVATION_GAIN = math.sqrt(2.0)
EPSILON = 1e-8
INSTANCE_EPSILON = 1e-5  # Huang & Belongie's, added to the variance


def leaky_relu(x: Tensor, bias: Tensor) -> Tensor:
    """The leaky ReLU of x + bias, times √2. x: [N, C, …], bias: [C]."""
    return F.leaky_relu(x + _per_channel(bias, x), LEAKY_SLOPE).mul(ACTIVATION_GAIN)


def leaky_relu_(x: Tensor, bias: Tensor) -> Tensor:
    """As ``leaky_relu``, in place and without gradients."""
    return F.leaky_relu_(x.add_(_per_channel(bias, x)), LEAKY_SLOPE).mul_(ACTIVATION_GAIN)


def _per_channel(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(1, -1, *[1] * (like.dim() - 2))


def fir_kernel(gain: float = 1.0) -> Tensor:
    """The binomial low-pass [1, 3, 3, 1] ⊗ [1, 3, 3, 1] of every published model, [4, 4], summing to ``gain``."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = torch.outer(taps, taps)
    return kernel * (gain / kernel.sum())


def fir_filter(x: Tensor, kernel: Tensor, padding: tuple[int, int]) -> Tensor:
    """Convolve every channel with ``kernel``, zeros around. x: [N, C, H, W], kernel: [k, k], padding: (before, after).

    In half precision, too, this is float32 arithmetic rounded once: the taps, products of 1, 3 and powers of two, are exact
    in any format, and convolutions add in float32.
    """
    before, after = padding
    channels = x.shape[1]
    weight = kernel.flip(0, 1).to(x.dtype).expand(channels, 1, *kernel.shape)
    if before == after:
        return F.conv2d(x, weight, padding=before, groups=channels)
    return F.conv2d(F.pad(x, (before, after, before, after)), weight, groups=channels)


def fir_upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """[N, C, H, W] → [N, C, 2H, 2W]: zeros between the pixels, then the FIR (gain 4 is in the kernel).

    Zero-stuffing with padding (2, 1) and convolving is a transposed convolution of stride 2 with the same kernel, cut
    to the middle 2H × 2W.
    """
    channels, height, width = x.shape[1:]
    weight = kernel.to(x.dtype).expand(channels, 1, *kernel.shape)
    full = F.conv_transpose2d(x, weight, stride=2, groups=channels)  # [N, C, 2H + 2, 2W + 2]
    return full[:, :, 1 : 2 * height + 1, 1 : 2 * width + 1]


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """[N, O]: 1 / ‖weight · style‖ of each output filter, in float32 at least; weight [O, I, k, k], style [N, I]."""
    dtype = torch.promote_types(weight.dtype, torch.float32)
    if torch.is_grad_enabled():
        energy = weight.to(dtype).square().sum((2, 3))  # [O, I]
    else:  # no copies of the weight; where a kernel is all zeros, its second derivative would not be a number
        energy = torch.linalg.vector_norm(weight, dim=(2, 3), dtype=dtype).square()
    return (style.to(dtype).square() @ energy.T).add(EPSILON).rsqrt()


def modulated_conv2d(x: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool, upsample: bool = False) -> Tensor:
    """A convolution whose input channels are scaled per sample, and whose output filters are renormalized.

    x: [N, I, H, W], weight: [O, I, k, k], style: [N, I] → [N, O, H, W], or [N, O, 2H + 1, 2W + 1] where ``upsample``.

    Scaling the activations before and after equals scaling each sample's weights (StyleGAN2, §2.2, eq. 1–3). The smaller of
    the two is scaled: the weights where maps are large, which then needs no copy of a map; the activations where weights
    are large, and for a batch that learns, so that one weight serves it whole. A single sample that learns has its weights
    scaled, too: no product of a map is kept for the gradient.
    """
    if scales_weights(x[0, 0].numel(), weight[:, 0].numel()) and (not torch.is_grad_enabled() or x.shape[0] == 1):
        return _by_weights(x, weight, style, demodulate, upsample)
    return _by_activations(x, weight, style, demodulate, upsample)


def scales_weights(pixels: int, taps: int) -> bool:
    """Whether a modulated convolution without gradients scales its weights: a map of ``pixels``, ``taps`` = outputs · k²."""
    return pixels > taps


def _by_activations(x: Tensor, weight: Tensor, style: Tensor, demodulate: bool, upsample: bool) -> Tensor:
    outputs = demodulation(weight, style) if demodulate else None
    if outputs is not None:
        # Scaling a whole style cancels in the demodulation, so this costs nothing and keeps half precision from overflow.
        largest = style.to(outputs.dtype).abs().amax(1, keepdim=True).clamp_min(EPSILON)
        style, outputs = style / largest.to(style.dtype), outputs * largest
    x = x * style.to(x.dtype)[:, :, None, None]
    if upsample:
        y = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    else:
        y = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    return y if outputs is None else y * outputs.to(y.dtype)[:, :, None, None]


def _by_weights(x: Tensor, weight: Tensor, style: Tensor, demodulate: bool, upsample: bool) -> Tensor:
    """One group of filters per sample. Filters have norm 1 where they are demodulated: nothing overflows half precision."""
    batch, inputs, height, width = x.shape
    dtype = torch.promote_types(weight.dtype, torch.float32)
    filters = weight.to(dtype) * style.to(dtype)[:, None, :, None, None]  # [N, O, I, k, k]
    if demodulate:
        filters = filters * demodulation(weight, style)[:, :, None, None, None]
    filters = filters.to(x.dtype)
    x = x.reshape(1, batch * inputs, height, width)
    if upsample:
        y = F.conv_transpose2d(x, filters.transpose(1, 2).flatten(0, 1), stride=2, groups=batch)
    else:
        y = F.conv2d(x, filters.flatten(0, 1), padding=weight.shape[-1] // 2, groups=batch)
    return y.reshape(batch, -1, *y.shape[2:])


def nearest_upsample(x: Tensor) -> Tensor:
    """[N, C, H, W] → [N, C, 2H, 2W]: every pixel becomes 2×2 of itself."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def adaptive_instance_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """AdaIN (Huang & Belongie 2017, arXiv 1703.06868, eq. 8). x: [N, C, H, W], scale, shift: [N, C] → [N, C, H, W].

    Each channel of each sample is brought to mean 0 and variance 1 over its pixels, then to the style's.
    """
    normal = F.instance_norm(x, eps=INSTANCE_EPSILON)
    return torch.addcmul(shift.to(x.dtype)[:, :, None, None], normal, scale.to(x.dtype)[:, :, None, None])

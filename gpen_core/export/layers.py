"""The layers of ``gpen_core.model`` as ONNX nodes, with what is constant in them computed once.

Leaky ReLU commutes with positive factors. So the √2 of every activation goes into what precedes it, filters and biases or
the demodulation, and what is left is LeakyRelu alone, which engines fuse. ``gain`` is a factor of that kind.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..model.layers import EqualLinear
from ..model.ops import ACTIVATION_GAIN, EPSILON, INSTANCE_EPSILON, LEAKY_SLOPE
from ..model.styled import AdainConv2d, FeatureInjection, ModulatedConv2d, StyledConv, ToRgb
from .writer import GraphWriter


def leaky_relu(graph: GraphWriter, scope: str, x: str, slope: float = LEAKY_SLOPE) -> str:
    """The leaky ReLU, without a gain."""
    return graph.node(scope, "LeakyRelu", x, alpha=slope)


def gemm(graph: GraphWriter, scope: str, weight: Tensor, bias: Tensor, x: str) -> str:
    """float32 [N, in] → [N, out], by a weight [out, in] and a bias [out]."""
    matrix = graph.matrix(f"{scope}.weight", weight)
    return graph.node(scope, "Gemm", x, matrix, graph.constant(f"{scope}.bias", bias.detach().float()), transB=1)


def linear(graph: GraphWriter, scope: str, layer: EqualLinear, x: str) -> str:
    """The layer and its activation, where it has one; float32 [N, in] → [N, out]."""
    gain = ACTIVATION_GAIN if layer.activate else 1.0
    y = gemm(graph, scope, layer.weight * (layer.weight_gain * gain), layer.bias * (layer.bias_gain * gain), x)
    return leaky_relu(graph, scope, y) if layer.activate else y


def conv_stage(graph: GraphWriter, scope: str, stage: nn.Sequential, x: str) -> str:
    """What ``conv_layer`` makes, [N, I, H, W] → [N, O, H', W']: [FIR,] convolution, bias and leaky ReLU."""
    layers: list[Any] = list(stage)
    if len(layers) == 3:
        x = fir(graph, f"{scope}.0", layers[0], x, layers[1].weight.shape[1])
    conv, activation = layers[-2:]
    weight = graph.map_constant(f"{scope}.weight", conv.weight * (conv.gain * ACTIVATION_GAIN))
    bias = graph.map_constant(f"{scope}.bias", activation.bias * ACTIVATION_GAIN)
    pads, strides = [conv.padding] * 4, [conv.stride] * 2
    return leaky_relu(graph, scope, graph.node(scope, "Conv", x, weight, bias, pads=pads, strides=strides))


def fir(graph: GraphWriter, scope: str, layer: Any, x: str, channels: int) -> str:
    """``Fir``: every channel convolved with the kernel. (Convolutions of networks do not mirror it, hence the flip)."""
    before, after = layer.padding
    kernel = graph.map_constant(f"{scope}.kernel", layer.kernel.flip(0, 1).repeat(channels, 1, 1, 1))
    return graph.node(scope, "Conv", x, kernel, group=channels, pads=[before, before, after, after])


def styled_conv(graph: GraphWriter, scope: str, layer: StyledConv, x: str, w: str, feature: str | None) -> str:
    """A convolution steered by w, the feature where there is one, bias, leaky ReLU."""
    conv: Any = layer.conv
    write = modulated if isinstance(conv, ModulatedConv2d) else adain
    y = write(graph, f"{scope}.conv", conv, x, w, gain=ACTIVATION_GAIN)
    if layer.noise is not None and feature is not None:
        y = inject(graph, f"{scope}.noise", layer.noise, y, feature)
    bias = graph.map_constant(f"{scope}.activate.bias", layer.activate.bias.reshape(1, -1, 1, 1) * ACTIVATION_GAIN)
    return leaky_relu(graph, scope, graph.node(scope, "Add", y, bias))


def inject(graph: GraphWriter, scope: str, layer: FeatureInjection, y: str, feature: str) -> str:
    """The encoder's feature appended, or added, to a map that ``ACTIVATION_GAIN`` is in already."""
    feature = graph.node(scope, "Mul", feature, graph.map_constant(f"{scope}.weight", layer.weight * ACTIVATION_GAIN))
    return (
        graph.node(scope, "Concat", y, feature, axis=1) if layer.concatenate else graph.node(scope, "Add", y, feature)
    )


def modulated(graph: GraphWriter, scope: str, conv: ModulatedConv2d, x: str, w: str, *, gain: float) -> str:
    """Input channels scaled by the style, one convolution for all faces, output channels renormalized (StyleGAN2, §2.2)."""
    style = linear(graph, f"{scope}.modulation", conv.modulation, w)
    weight = conv.weight[0] * conv.gain  # [O, I, k, k]
    outputs = _demodulation(graph, scope, weight, style, gain)  # [N, O]
    if graph.half:
        style, outputs = _within_half(graph, scope, style, outputs)
    y = graph.node(scope, "Mul", x, graph.per_channel(scope, style, weight.shape[1]))
    y = _convolved(graph, scope, conv, weight, y)
    y = graph.node(scope, "Mul", y, graph.per_channel(scope, outputs, weight.shape[0]))
    return y if conv.blur is None else fir(graph, f"{scope}.blur", conv.blur, y, weight.shape[0])


def _demodulation(graph: GraphWriter, scope: str, weight: Tensor, style: str, gain: float) -> str:
    """gain / ‖weight · style‖ of each output filter, for a style [N, I] → [N, O]."""
    energy = graph.constant(f"{scope}.energy", weight.detach().float().square().sum((2, 3)).T)  # [I, O]
    energies = graph.node(scope, "MatMul", graph.node(scope, "Mul", style, style), energy)
    norm = graph.node(scope, "Sqrt", graph.node(scope, "Add", energies, graph.number(f"{scope}.epsilon", EPSILON)))
    return graph.node(scope, "Div", graph.number(f"{scope}.gain", gain), norm)


def _within_half(graph: GraphWriter, scope: str, style: str, outputs: str) -> tuple[str, str]:
    """The style's size moved from before the convolution to after it, so that no product overflows float16."""
    largest = graph.over_channels(scope, "ReduceMax", graph.node(scope, "Abs", style))
    largest = graph.node(scope, "Max", largest, graph.number(f"{scope}.smallest", EPSILON))
    return graph.node(scope, "Div", style, largest), graph.node(scope, "Mul", outputs, largest)


def adain(graph: GraphWriter, scope: str, conv: AdainConv2d, x: str, w: str, *, gain: float) -> str:
    """A convolution, adaptive instance normalization by scales and shifts linear in w. Normalized in float32."""
    y = _convolved(graph, scope, conv, conv.weight * conv.gain, x)
    channels = conv.weight.shape[0]
    if conv.blur is not None:
        y = fir(graph, f"{scope}.blur", conv.blur, y, channels)
    ones = graph.constant(f"{scope}.one", torch.ones(channels))
    zeros = graph.constant(f"{scope}.zero", torch.zeros(channels))
    y = graph.to_float(scope, y)
    y = graph.to_map(scope, graph.node(scope, "InstanceNormalization", y, ones, zeros, epsilon=INSTANCE_EPSILON))
    layer = conv.modulation
    weights = (layer.weight * (layer.weight_gain * gain)).chunk(2)
    biases = (layer.bias * (layer.bias_gain * gain)).chunk(2)
    scale, shift = (
        graph.per_channel(f"{scope}.{name}", gemm(graph, f"{scope}.{name}", weight, bias, w), channels)
        for name, weight, bias in zip(("scale", "shift"), weights, biases)
    )
    return graph.node(scope, "Add", graph.node(scope, "Mul", y, scale), shift)


def _convolved(graph: GraphWriter, scope: str, conv: ModulatedConv2d | AdainConv2d, weight: Tensor, x: str) -> str:
    """The convolution in the middle of a styled layer; upsampling by a transposed one (→ 2r + 1), or of doubled pixels."""
    if conv.blur is not None:
        transposed = graph.map_constant(f"{scope}.weight", weight.transpose(0, 1))
        return graph.node(scope, "ConvTranspose", x, transposed, strides=[2, 2])
    if conv.nearest:
        x = doubled(graph, scope, x)
    pad = weight.shape[-1] // 2
    return graph.node(scope, "Conv", x, graph.map_constant(f"{scope}.weight", weight), pads=[pad] * 4)


def doubled(graph: GraphWriter, scope: str, x: str) -> str:
    """Every pixel becomes 2×2 of itself."""
    scales = graph.constant(f"{scope}.scales", torch.tensor([1.0, 1.0, 2.0, 2.0]))
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.node(scope, "Resize", x, "", scales, **how)


def to_rgb(graph: GraphWriter, scope: str, layer: ToRgb, x: str, w: str, running: str | None) -> str:
    """[N, C, H, W] → [N, 3, H, W], plus the running RGB image brought to the same size."""
    conv: Any = layer.conv
    weight = (conv.weight[0] if layer.styled else conv.weight) * conv.gain
    if layer.styled:
        style = linear(graph, f"{scope}.conv.modulation", conv.modulation, w)
        x = graph.node(scope, "Mul", x, graph.per_channel(scope, style, weight.shape[1]))
    constants = graph.map_constant(f"{scope}.weight", weight), graph.map_constant(f"{scope}.bias", layer.bias.flatten())
    rgb = graph.node(scope, "Conv", x, *constants)
    return (
        rgb
        if running is None
        else graph.node(scope, "Add", rgb, fir_doubled(graph, f"{scope}.upsample", layer, running))
    )


def fir_doubled(graph: GraphWriter, scope: str, layer: ToRgb, x: str) -> str:
    """``FirUpsample`` of RGB: the transposed convolution's padding is what the module cuts off afterwards."""
    kernel = graph.map_constant(f"{scope}.kernel", layer.upsample.kernel.repeat(3, 1, 1, 1))
    return graph.node(scope, "ConvTranspose", x, kernel, group=3, strides=[2, 2], pads=[1] * 4)

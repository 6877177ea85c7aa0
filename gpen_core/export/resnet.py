"""torchvision's ResNets as ONNX nodes; their batch normalization, which is fixed, is folded into the convolutions."""

from __future__ import annotations

from typing import Any

import torch

from ..model.resnet import FixedBatchNorm2d, ResNetEncoder, _as_imagenet
from .writer import GraphWriter


def resnet(graph: GraphWriter, scope: str, encoder: ResNetEncoder, pictures: str) -> str:
    """RGB in [-1, 1], float32 [N, 3, S, S] → float32 [N, 32·width]."""
    x = graph.to_map(scope, _imagenet_range(graph, f"{scope}.input", pictures))
    x = graph.node(scope, "Relu", _normalized_conv(graph, f"{scope}.conv1", encoder.conv1, encoder.bn1, x))
    x = graph.node(scope, "MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for stage in ("layer1", "layer2", "layer3", "layer4"):
        for index, block in enumerate(getattr(encoder, stage)):
            x = _bottleneck(graph, f"{scope}.{stage}.{index}", block, x)
    pooled = graph.node(scope, "GlobalAveragePool", graph.to_float(scope, x))
    return graph.node(scope, "Flatten", pooled, axis=1)


def _imagenet_range(graph: GraphWriter, scope: str, pictures: str) -> str:
    """Each channel scaled and shifted, by what the encoder's own function makes of 0 and 1."""
    shift, whole = _as_imagenet(torch.zeros(1, 3, 1, 1)), _as_imagenet(torch.ones(1, 3, 1, 1))
    scaled = graph.node(scope, "Mul", pictures, graph.constant(f"{scope}/scale", whole - shift))
    return graph.node(scope, "Add", scaled, graph.constant(f"{scope}/shift", shift))


def _bottleneck(graph: GraphWriter, scope: str, block: Any, x: str) -> str:
    y = x
    for number in (1, 2, 3):
        conv, norm = getattr(block, f"conv{number}"), getattr(block, f"bn{number}")
        y = _normalized_conv(graph, f"{scope}.conv{number}", conv, norm, y)
        y = y if number == 3 else graph.node(scope, "Relu", y)
    if block.downsample is not None:
        conv, norm = block.downsample
        x = _normalized_conv(graph, f"{scope}.downsample.0", conv, norm, x)
    return graph.node(scope, "Relu", graph.node(scope, "Add", y, x))


def _normalized_conv(graph: GraphWriter, scope: str, conv: torch.nn.Conv2d, norm: FixedBatchNorm2d, x: str) -> str:
    """A convolution without bias, then ``norm``."""
    scale = norm.weight.double() * (norm.running_var.double() + norm.eps).rsqrt()
    weight = graph.map_constant(f"{scope}.weight", conv.weight.double() * scale[:, None, None, None])
    bias = graph.map_constant(f"{scope}.bias", norm.bias.double() - norm.running_mean.double() * scale)
    strides, pads = list(conv.stride), [int(pad) for pad in conv.padding] * 2
    return graph.node(scope, "Conv", x, weight, bias, strides=strides, pads=pads)

"""A whole network as ONNX nodes: encoder, mapping, generator, and the range of what goes in and out."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ..model import Gpen, layers_of
from ..model.layers import EqualLinear, PixelNorm
from ..model.ops import EPSILON
from .layers import conv_stage, gemm, leaky_relu, linear, styled_conv, to_rgb
from .resnet import resnet
from .writer import CROPS, RESTORED, GraphWriter

NOISE_SEED = 0  # what Gpen.forward draws with where nobody gives it a source of noise

Features = list[tuple[str | None, str | None]]  # of each level, for its two convolutions


@torch.no_grad()
def write_network(graph: GraphWriter, network: Gpen, *, unshifted: bool) -> None:
    """``crops`` → ``restored``, both float32 RGB in [0, 1]. ``unshifted``: the network takes and gives [0, 1] as it is."""
    pictures = CROPS if unshifted else _affine(graph, "input", CROPS, 2.0, -1.0)
    code, features = _encode(graph, network, pictures)
    rgb = graph.to_float("output", _generate(graph, network, code, features))
    if not unshifted:
        rgb = _affine(graph, "output", rgb, 0.5, 0.5)
    bounds = graph.number("output/lowest", 0.0), graph.number("output/highest", 1.0)
    graph.node("output", "Clip", rgb, *bounds, result=RESTORED)


def in_float32(network: Gpen) -> Gpen:
    """The network itself where it is in float32 on the CPU, else a copy that is."""
    where = next(network.parameters())
    if where.dtype == torch.float32 and where.device.type == "cpu":
        return network
    return deepcopy(network).float().cpu()


def _affine(graph: GraphWriter, scope: str, x: str, scale: float, shift: float) -> str:
    """x · scale + shift, in float32."""
    scaled = graph.node(scope, "Mul", x, graph.number(f"{scope}/scale", scale))
    return graph.node(scope, "Add", scaled, graph.number(f"{scope}/shift", shift))


def _encode(graph: GraphWriter, network: Gpen, pictures: str) -> tuple[str, Features]:
    """→ the style code, float32 [N, style_dim], and the features from the generator's start upwards."""
    last: Any = network.final_linear[0]
    if not network.config.has_features:
        code = linear(graph, "final_linear.0", last, resnet(graph, "encoder", network.encoder, pictures))
        return code, [(None, None)] * network.config.levels
    x, features = graph.to_map("input", pictures), []
    for stage in (layer.name for layer in layers_of(network.config) if layer.kind == "conv"):
        x = conv_stage(graph, stage, network.get_submodule(stage), x)  # type: ignore[arg-type]
        features.append(x)
    flat = graph.to_float("final_linear", graph.node("final_linear", "Flatten", x, axis=1))
    pairs: Features = [(feature, feature) for feature in reversed(features)]
    return linear(graph, "final_linear.0", last, flat), pairs + _noise(graph, network)


def _noise(graph: GraphWriter, network: Gpen) -> Features:
    """The noise of the levels that an upscaling network has above its encoder's; none ([]) of other networks.

    What it draws for one face by default, as constants, so that a face comes out the same in every batch and every engine.
    """
    start = network.config.encoder_levels
    source = torch.Generator().manual_seed(NOISE_SEED)
    drawn = network.noise_features(torch.zeros(1), source, start)
    return [
        (_noise_map(graph, f"noise.{start + level}.0", first), _noise_map(graph, f"noise.{start + level}.1", second))
        for level, (first, second) in enumerate(drawn)
    ]


def _noise_map(graph: GraphWriter, name: str, noise: Tensor) -> str:
    return graph.for_each_face(name, graph.map_constant(name, noise), tuple(noise.shape[1:]))


def _generate(graph: GraphWriter, network: Gpen, code: str, features: Features) -> str:
    """Style code and features → RGB, nominally in [-1, 1]: ``Generator.forward``."""
    w = _mapping(graph, network.generator.style, code)
    start = network.generator.input.input  # [1, C, s, s]: the style's batch is the result's
    x = graph.map_constant("generator.input", start)
    rgb: Any = None
    joining = iter([features[0][0], *(feature for pair in features[1:] for feature in pair)])
    for layer in layers_of(network.config):
        module: Any = network.get_submodule(layer.name)
        if layer.kind == "styled":
            x = styled_conv(graph, layer.name, module, x, w, next(joining))
        elif layer.kind == "rgb":
            rgb = to_rgb(graph, layer.name, module, x, w, rgb)
    return str(rgb)


def _mapping(graph: GraphWriter, mapping: nn.Sequential, z: str) -> str:
    """z → w, float32 [N, style_dim]."""
    for index, layer in enumerate(mapping):
        scope = f"generator.style.{index}"
        if isinstance(layer, PixelNorm):
            z = _pixel_norm(graph, scope, z)
        elif isinstance(layer, EqualLinear):
            z = linear(graph, scope, layer, z)
        elif isinstance(layer, nn.Linear):
            z = gemm(graph, scope, layer.weight, layer.bias, z)
        elif isinstance(layer, nn.LeakyReLU):
            z = leaky_relu(graph, scope, z, layer.negative_slope)
        else:
            raise TypeError(f"{scope}: no ONNX nodes are known for {type(layer).__name__}")
    return z


def _pixel_norm(graph: GraphWriter, scope: str, z: str) -> str:
    mean = graph.over_channels(scope, "ReduceMean", graph.node(scope, "Mul", z, z))
    norm = graph.node(scope, "Sqrt", graph.node(scope, "Add", mean, graph.number(f"{scope}/epsilon", EPSILON)))
    return graph.node(scope, "Div", z, norm)

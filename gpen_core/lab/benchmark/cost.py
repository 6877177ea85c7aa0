"""What restoring one face takes at least, counted from the configuration: operations, and numbers moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ...model import GpenConfig
from ...model.resnet import BLOCKS

_FIR = 4**2  # taps of the FIR filter, applied in both directions at once as published


@dataclass(frozen=True)
class Layer:
    """``flops`` (a multiplication and an addition are two) and the numbers that it reads and writes for one face, and
    its ``weights``, which serve a whole batch."""

    flops: float
    moved: int
    weights: int


def layers(config: GpenConfig) -> tuple[Layer, ...]:
    """Every layer of the network. Elementwise work, and the filters before and after a convolution, count as done while
    the convolution's input is read or its output is written: each map is written once, and read once by each layer
    that uses it. No implementation moves less without fusing convolutions with each other."""
    encoder = _fir_encoder(config) if config.has_features else _resnet(config)
    return (*encoder, *_mapping(config), *_generator(config))


def flops(config: GpenConfig) -> float:
    """Operations for one face: convolutions, FIR filters and linear layers. A published 2048 px network: 0.41e12."""
    return sum(layer.flops for layer in layers(config))


def moved_bytes(config: GpenConfig, itemsize: int, batch: int = 1) -> int:
    """Least traffic of one batch, in bytes, for numbers of ``itemsize`` bytes."""
    return itemsize * sum(layer.moved * batch + layer.weights for layer in layers(config))


def least_seconds(config: GpenConfig, rate: float, bandwidth: float, itemsize: int, batch: int = 1) -> float:
    """The roofline model (Williams et al. 2009), layer by layer: no layer is done before its operations are, at ``rate``
    FLOP/s, nor before its numbers are moved, at ``bandwidth`` bytes/s. Seconds for one face of a batch."""

    def seconds(layer: Layer) -> float:
        return max(batch * layer.flops / rate, itemsize * (batch * layer.moved + layer.weights) / bandwidth)

    return sum(map(seconds, layers(config))) / batch


def _conv(inputs: int, outputs: int, kernel: int, side_in: int, side_out: int, *, applied: int | None = None) -> Layer:
    """``applied``: side of the grid at whose points the kernel is applied, the output's unless told."""
    weights = inputs * outputs * kernel**2
    moved = inputs * side_in**2 + outputs * side_out**2
    return Layer(2 * weights * (applied or side_out) ** 2, moved, weights)


def _linear(inputs: int, outputs: int) -> Layer:
    return Layer(2 * inputs * outputs, inputs + outputs, inputs * outputs)


def _with_fir(layer: Layer, channels: int, side: int) -> Layer:
    """The FIR filter applied at ``side``² places, joined to the layer before or after it."""
    return Layer(layer.flops + 2 * _FIR * channels * side**2, layer.moved, layer.weights)


def _fir_encoder(config: GpenConfig) -> Iterator[Layer]:
    side, widths = config.input_size, config.channels[config.encoder_levels - 1 :: -1]
    yield _conv(3, widths[0], 1, side, side)
    for inputs, outputs in pairwise(widths):
        yield _with_fir(_conv(inputs, outputs, 3, side, side // 2), inputs, side + 1)
        side //= 2
    yield _linear(widths[-1] * config.start**2, config.style_dim)


def _resnet(config: GpenConfig) -> Iterator[Layer]:
    """torchvision's: 7×7 and a pooling, then four stages of bottlenecks; the first of each but the first halves."""
    width, side = config.encoder_width, config.input_size // 4
    yield _conv(3, width, 7, config.input_size, config.input_size // 2)
    before = width
    for stage, blocks in enumerate(BLOCKS[config.encoder]):
        inner = width << stage
        for block in range(blocks):
            new = side // 2 if stage and not block else side
            yield _conv(before, inner, 1, side, side)
            yield _conv(inner, inner, 3, side, new)
            yield _conv(inner, 4 * inner, 1, new, new)
            if not block:
                yield _conv(before, 4 * inner, 1, side, new)
            before, side = 4 * inner, new
    yield _linear(before, config.style_dim)


def _mapping(config: GpenConfig) -> Iterator[Layer]:
    yield from (_linear(config.style_dim, config.style_dim) for _ in range(config.mapping_layers))


def _generator(config: GpenConfig) -> Iterator[Layer]:
    side, first = config.start, config.channels[0]
    yield from _styled(config, first, first, side, up=False)
    yield from _to_rgb(config, config.joined * first, side)
    for below, width in pairwise(config.channels):
        side *= 2
        yield from _styled(config, config.joined * below, width, side, up=True)
        yield from _styled(config, config.joined * width, width, side, up=False)
        rgb, *rest = _to_rgb(config, config.joined * width, side)
        yield _with_fir(Layer(rgb.flops, rgb.moved + 3 * (side // 2) ** 2, rgb.weights), 3, side // 2)
        yield from rest


def _styled(config: GpenConfig, inputs: int, outputs: int, side: int, *, up: bool) -> Iterator[Layer]:
    below = side // 2 if up else side
    if up and config.upsampling == "fir":  # a transposed convolution: the kernel at each pixel that comes in
        yield _with_fir(_conv(inputs, outputs, 3, below, side, applied=below), outputs, side)
    else:
        yield _conv(inputs, outputs, 3, below, side)
    if config.injection == "modulation":
        yield _linear(config.style_dim, inputs)
        yield Layer(2 * inputs * outputs, inputs + outputs, 0)  # demodulation
    else:
        yield _linear(config.style_dim, 2 * outputs)


def _to_rgb(config: GpenConfig, inputs: int, side: int) -> Iterator[Layer]:
    yield _conv(inputs, 3, 1, side, side)
    if config.injection == "modulation":
        yield _linear(config.style_dim, inputs)

"""What restoring one face takes at least, counted from the configuration: operations, and numbers moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...model import GpenConfig, Layer, layers_of

_FIR = 4**2  # taps of the FIR filter, applied in both directions at once as published


@dataclass(frozen=True)
class Work:
    """``flops`` (a multiplication and an addition are two) and the numbers that are read and written for one face, and
    the ``weights``, which serve a whole batch."""

    flops: float
    moved: int
    weights: int


def works(config: GpenConfig) -> tuple[Work, ...]:
    """That of every layer. Elementwise work, and the filters before and after a convolution, count as done while
    the convolution's input is read or its output is written: each map is written once, and read once by each layer
    that uses it. No implementation moves less without fusing convolutions with each other."""
    return tuple(work for layer in layers_of(config) for work in _works(layer, config))


def flops(config: GpenConfig) -> float:
    """Operations for one face: convolutions, FIR filters and linear layers. A published 2048 px network: 0.41e12."""
    return sum(work.flops for work in works(config))


def moved_bytes(config: GpenConfig, itemsize: int, batch: int = 1) -> int:
    """Least traffic of one batch, in bytes, for numbers of ``itemsize`` bytes."""
    return itemsize * sum(work.moved * batch + work.weights for work in works(config))


def least_seconds(config: GpenConfig, rate: float, bandwidth: float, itemsize: int, batch: int = 1) -> float:
    """The roofline model (Williams et al. 2009), layer by layer: no layer is done before its operations are, at ``rate``
    FLOP/s, nor before its numbers are moved, at ``bandwidth`` bytes/s. Seconds for one face of a batch."""

    def seconds(work: Work) -> float:
        return max(batch * work.flops / rate, itemsize * (batch * work.moved + work.weights) / bandwidth)

    return sum(map(seconds, works(config))) / batch


def _works(layer: Layer, config: GpenConfig) -> Iterator[Work]:
    """A layer's own, then what makes its style."""
    if layer.kind in ("norm", "constant"):  # the one is joined to its convolution, the other is there
        return
    if layer.kind == "linear":
        yield _linear(layer.inputs, layer.outputs)
        return
    yield _convolution(layer, config)
    if layer.kind == "styled" and config.injection == "adain":
        yield _linear(config.style_dim, 2 * layer.outputs)
    elif layer.style is not None and config.injection == "modulation":
        yield _linear(config.style_dim, layer.inputs)
    if layer.kind == "styled" and config.injection == "modulation":
        yield Work(2 * layer.inputs * layer.outputs, layer.inputs + layer.outputs, 0)  # demodulation


def _convolution(layer: Layer, config: GpenConfig) -> Work:
    """With the FIR filters before or after it."""
    weights = layer.inputs * layer.outputs * layer.kernel**2
    moved = layer.inputs * layer.side_in**2 + layer.outputs * layer.side_out**2
    applied, filtered = (
        layer.side_out,
        0,
    )  # the side of the grid at whose points the kernel is; numbers that the FIR makes
    if layer.kind == "conv" and layer.side_out < layer.side_in:
        filtered = layer.inputs * (layer.side_in + 1) ** 2
    elif (
        layer.side_out > layer.side_in and config.upsampling == "fir"
    ):  # transposed: the kernel at each pixel that comes in
        applied, filtered = layer.side_in, layer.outputs * layer.side_out**2
    elif layer.kind == "rgb" and len(layer.reads) > 1:  # and the running RGB image of the level below
        below = layer.outputs * (layer.side_in // 2) ** 2
        moved, filtered = moved + below, below
    return Work(2 * weights * applied**2 + 2 * _FIR * filtered, moved, weights)


def _linear(inputs: int, outputs: int) -> Work:
    return Work(2 * inputs * outputs, inputs + outputs, inputs * outputs)

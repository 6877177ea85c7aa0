"""What the fast path needs beside the weights."""

from __future__ import annotations

from ..config import GpenConfig
from .rows import Blocking

_BLOCKS_PER_OCTAVE = 8  # windows and what is made of them, of both convolutions, and those that wait
_MAPS = 6  # of the largest whole level: input, scaled input, output, filtered, feature, joined
_WEIGHTS = 3  # of the largest convolution: steered, transposed, and in oneDNN's own layout


def working_bytes(config: GpenConfig, batch: int, itemsize: int, blocking: Blocking = Blocking()) -> int:
    """About the peak of ``fast_forward`` over ``batch`` pictures, in bytes, weights not counted.

    Pictures and results, the features that are kept until their octave's turn, and the whole levels grow with the batch;
    the blocks of the levels by rows, and the steered weights, don't.
    """
    sides = [config.start << level for level in range(config.levels)]
    joined = [width * (2 if config.concatenate else 1) for width in config.channels]
    whole = [width * side**2 for width, side in zip(joined, sides) if side < blocking.side] or [
        joined[0] * sides[0] ** 2
    ]
    kept = sum(
        width * side**2
        for width, side in zip(config.channels, sides)
        if side < config.input_size and not (2 * side == config.input_size and width * side**2 > blocking.made_twice)
    )
    noise = 2 * sum(width * side**2 for width, side in zip(config.channels, sides) if side > config.input_size)
    each = 6 * config.input_size**2 + 9 * config.output_size**2 + kept + noise + _MAPS * max(whole)
    octaves = [min(width * side**2, blocking.elements) for width, side in zip(joined, sides) if side >= blocking.side]
    weights = 9 * max(low * high for low, high in zip(joined, config.channels))
    return itemsize * (batch * each + _BLOCKS_PER_OCTAVE * sum(octaves) + _WEIGHTS * weights)

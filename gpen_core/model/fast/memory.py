"""What the fast path needs beside the weights."""

from __future__ import annotations

from ..config import GpenConfig
from .rows import Blocking
from .winograd import worthwhile

_BLOCKS_PER_OCTAVE = 8  # windows and what is made of them, of both convolutions, and those that wait
_MAPS = 6  # of the largest whole level: input, scaled input, output, filtered, feature, joined
_TAPS = 9
_KERNELS = 18  # Winograd's, of the same convolution


def working_bytes(config: GpenConfig, batch: int, itemsize: int, blocking: Blocking = Blocking()) -> int:
    """About the peak of ``FastGpen`` over ``batch`` pictures, in bytes, the module's own weights not counted.

    Pictures and results, the features that are kept until their octave's turn, and the levels made of all samples at once
    grow with the batch; the others' maps and blocks, and the steered weights, don't.
    """
    sides = [config.start << level for level in range(config.levels)]
    joined = [width * config.joined for width in config.channels]
    together = max(min(blocking.together, blocking.side), sides[0] + 1)
    whole = [width * side**2 for width, side in zip(joined, sides) if side < together]
    alone = [width * side**2 for width, side in zip(joined, sides) if together <= side < blocking.side]
    kept = sum(
        width * side**2
        for width, side in zip(config.channels, sides)
        if side < config.input_size and not (2 * side == config.input_size and width * side**2 > blocking.made_twice)
    )
    noise = 2 * sum(width * side**2 for width, side in zip(config.channels, sides) if side > config.input_size)
    each = 6 * config.input_size**2 + 9 * config.output_size**2 + kept + noise + _MAPS * max(whole)
    octaves = [min(width * side**2, blocking.elements) for width, side in zip(joined, sides) if side >= blocking.side]
    # Once more, by oneDNN for one call.
    laid_out = _TAPS * max(low * high for low, high in zip(joined, config.channels))
    made = _made_of_weights(config, joined, itemsize, blocking)
    one = _MAPS * max(alone, default=0) + _BLOCKS_PER_OCTAVE * sum(octaves)
    return itemsize * (batch * each + one + made + laid_out)


def _made_of_weights(config: GpenConfig, joined: list[int], itemsize: int, blocking: Blocking) -> int:
    """Elements that are worked out of the module's weights: for all samples of whole maps, for one of those by rows."""
    made = 0
    for level, outputs in enumerate(config.channels):
        side, same = config.start << level, joined[level] * outputs
        kernels = worthwhile(itemsize, outputs, side)
        made += _TAPS * joined[level - 1] * outputs if level else 0
        made += _KERNELS * same if kernels else 0
        made += 0 if kernels and side < blocking.side else _TAPS * same
    return made

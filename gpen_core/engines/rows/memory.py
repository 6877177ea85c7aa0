"""What the fast path needs beside the weights."""

from __future__ import annotations

from ...model.config import GpenConfig
from .rows import Blocking
from .winograd import worthwhile

# Windows and what is made of them, of both convolutions, and those that wait; a third is what the heaps of several threads
# keep of what was freed.
_BLOCKS_PER_OCTAVE = 12
_MAPS = 6  # of the largest whole level: input, scaled input, output, filtered, feature, joined
_TAPS = 9
_KERNELS = 18  # Winograd's, of the same convolution


def samples_at_once(config: GpenConfig, blocking: Blocking) -> int:
    """Of how many samples the small levels are made together."""
    return max(1, blocking.joint // _largest_small_map(config, blocking))


def _largest_small_map(config: GpenConfig, blocking: Blocking) -> int:
    """Elements of one sample's, of the levels that are made of many samples, its features included."""
    sides = [config.start << level for level in range(config.levels)]
    below = _together(config, blocking)
    return max(config.joined * width * side**2 for width, side in zip(config.channels, sides) if side < below)


def _together(config: GpenConfig, blocking: Blocking) -> int:
    """The side below which levels are made of many samples: the first one always is."""
    return max(min(blocking.together, blocking.side), config.start + 1)


def working_bytes(config: GpenConfig, batch: int, itemsize: int, blocking: Blocking = Blocking()) -> int:
    """About the peak of ``FastGpen`` over ``batch`` pictures, in bytes, the module's own weights not counted.

    Pictures, results and noise grow with the batch; the features that are kept until their octave's turn, and the levels
    made of many samples at once, with how many those are; the others' maps and blocks, and the steered weights, don't.
    """
    sides = [config.start << level for level in range(config.levels)]
    joined = [width * config.joined for width in config.channels]
    together = _together(config, blocking)
    alone = [width * side**2 for width, side in zip(joined, sides) if together <= side < blocking.side]
    kept = sum(
        width * side**2
        for width, side in zip(config.channels, sides)
        if side < config.input_size and not (2 * side == config.input_size and width * side**2 > blocking.made_twice)
    )
    noise = 2 * sum(width * side**2 for width, side in zip(config.channels, sides) if side > config.input_size)
    each = 6 * config.input_size**2 + 9 * config.output_size**2 + noise
    some = min(batch, samples_at_once(config, blocking)) * (kept + _MAPS * _largest_small_map(config, blocking))
    octaves = [min(width * side**2, blocking.elements) for width, side in zip(joined, sides) if side >= blocking.side]
    # Once more, by oneDNN for one call.
    laid_out = _TAPS * max(low * high for low, high in zip(joined, config.channels))
    made = _made_of_weights(config, joined, itemsize, blocking)
    one = _MAPS * max(alone, default=0) + _BLOCKS_PER_OCTAVE * sum(octaves)
    return itemsize * (batch * each + some + one + made + laid_out)


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

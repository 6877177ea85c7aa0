"""What the fast path needs beside the weights."""

from __future__ import annotations

from itertools import pairwise

from ...model.config import GpenConfig
from ...model.layout import LevelMaps, maps_of
from .rows import Blocking
from .winograd import worthwhile

_TAPS = 9
_KERNELS = 18  # Winograd's, of the same convolution
_LAID_OUT = 1 << 21  # elements of the largest encoder weight that is kept in another layout
_BLOCKS = 2.0  # of a level: what each of its two convolutions made
_BLOCKS_AT_ONCE = 1.6  # more where there are several: what waits, and what they are made of
_FLOAT32 = 4


def samples_at_once(config: GpenConfig, blocking: Blocking) -> int:
    """Of how many samples the small levels are made together."""
    below = max(min(blocking.together, blocking.side), config.start + 1)  # the first level always is
    return max(1, blocking.joint // max(level.joined_elements for level in maps_of(config) if level.side < below))


def working_bytes(config: GpenConfig, batch: int, itemsize: int, blocking: Blocking = Blocking()) -> int:
    """About the peak of ``FastGpen`` over ``batch`` pictures, in bytes, the module's own weights not counted.

    Pictures, results and noise grow with the batch; the features that are kept until their level's turn with how many
    samples are made at once; blocks and modulated weights don't. Counted as live tensors: what the heap keeps of what was
    freed comes on top.
    """
    levels = maps_of(config)
    by_rows = [level for level in levels if level.side >= blocking.side]
    noise = 2 * sum(level.elements for level in levels if not level.encoded)
    each = 3 * config.input_size**2 + 3 * config.output_size**2 + noise
    one = config.output_size**2  # the images of the levels below, of one sample
    blocks = sum(_blocks(level, blocking) for level in by_rows)
    elements = batch * each + min(batch, samples_at_once(config, blocking)) * _kept(config, blocking) + one + blocks
    elements += _prepared(levels, itemsize, blocking) + _modulated(levels, itemsize, blocking)
    return int(itemsize * elements) + _FLOAT32 * _energies(levels)


def _blocks(level: LevelMaps, blocking: Blocking) -> float:
    made = min(level.joined_elements, blocking.elements)
    return made * (_BLOCKS + (_BLOCKS_AT_ONCE if level.joined_elements > blocking.elements else 0))


def _kept(config: GpenConfig, blocking: Blocking) -> int:
    """Elements of one sample's features that are there until their level has been made."""
    below = [level for level in maps_of(config) if level.encoded and level.side < config.input_size]
    largest = config.input_size // 2  # which may be made again instead
    return sum(level.elements for level in below if level.side < largest or level.elements <= blocking.made_twice)


def _prepared(levels: tuple[LevelMaps, ...], itemsize: int, blocking: Blocking) -> int:
    """Elements that the module's weights alone decide, and one more copy by oneDNN for one call."""
    made = [_TAPS * levels[0].channels ** 2]
    for below, level in pairwise(levels):
        whole = level.side < blocking.side and worthwhile(itemsize, level.channels, level.side)
        made += [
            _TAPS * below.joined * level.channels,
            (_KERNELS if whole else _TAPS) * level.joined * level.channels,
        ]
    encoder = [_TAPS * low.channels * high.channels for low, high in pairwise(levels) if high.encoded]
    return sum(made) + max(made) + sum(weight for weight in encoder if weight <= _LAID_OUT)


def _modulated(levels: tuple[LevelMaps, ...], itemsize: int, blocking: Blocking) -> int:
    """Elements of one sample's weights, of the levels that are made by rows."""
    made = 0
    for below, level in pairwise(levels):
        if level.side >= blocking.side:
            kernels = _KERNELS if worthwhile(itemsize, level.channels, level.side) else 0
            made += _TAPS * below.joined * level.channels + (_TAPS + kernels) * level.joined * level.channels
    return made


def _energies(levels: tuple[LevelMaps, ...]) -> int:
    """Numbers that demodulation needs of the weights."""
    pairs = sum((below.joined + level.joined) * level.channels for below, level in pairwise(levels))
    return levels[0].channels ** 2 + pairs

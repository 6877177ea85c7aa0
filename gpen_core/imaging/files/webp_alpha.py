"""Alpha of a WebP file, in little memory: libwebp's own encoder of it takes up to 35 bytes a pixel beside the picture's.

What is written is the ``ALPH`` chunk of the container specification, with its lossless compression: one prefix code for all of
it, and copies of the last pixel for runs of equal ones. Soft or grainy alpha is as small as libwebp's; patterns are larger.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ...polling import current_poll

Rows = Callable[[int, int], np.ndarray]  # (first, end) → those rows, [h, W] uint8

_BAND = 1 << 18  # pixels at a time: their tokens take 100 bytes each for a moment
_LITERALS, _LENGTHS, _LONGEST_COPY, _SHORTEST_RUN = 256, 24, 4096, 4
_DEEPEST = 15  # bits of a prefix code
_PLAIN, _GRADIENT = 0, 3  # the specification's filters: a pixel itself, or what its neighbors do not tell of it
_LOSSLESS = 1
_LEFT = 1  # the prefix of the distance that means "the pixel before"
_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)  # of lengths of codes, in the specification


def alpha_chunk(rows: Rows, size: tuple[int, int]) -> Iterator[bytes]:
    """The chunk's content, piece by piece.

    Args:
        rows: Alpha, asked for several times.
        size: (width, height).
    """
    plain, gradient = (_Plane(rows, size, kind) for kind in (_PLAIN, _GRADIENT))
    counts = {plane: plane.counts() for plane in (plain, gradient)}
    plane = min(counts, key=lambda one: _bits(counts[one]))
    code = _Code.of(counts[plane])
    yield bytes([plane.filter << 2 | _LOSSLESS])
    writer = _Bits()
    yield writer.add(*_header(code))
    for symbols, extra in plane.tokens():
        yield writer.add(
            code.codes[symbols] | extra.values << code.lengths[symbols], code.lengths[symbols] + extra.counts
        )
    yield writer.rest()


@dataclass(frozen=True, eq=False)
class _Extra:
    """Bits that follow a symbol: their values, and how many there are."""

    values: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True, eq=False)
class _Plane:
    """Alpha as tokens: literal numbers, and copies of the last one."""

    rows: Rows
    size: tuple[int, int]
    filter: int

    def counts(self) -> np.ndarray:
        """How often each symbol occurs."""
        total = np.zeros(_LITERALS + _LENGTHS, np.int64)
        for symbols, _ in self.tokens():
            total += np.bincount(symbols, minlength=len(total))
        return total

    def tokens(self) -> Iterator[tuple[np.ndarray, _Extra]]:
        width, height = self.size
        step, poll = max(1, _BAND // width), current_poll()
        for first in range(0, height, step):
            poll()
            yield _tokens(self._filtered(first, min(first + step, height)).reshape(-1))

    def _filtered(self, first: int, end: int) -> np.ndarray:
        if self.filter == _PLAIN:
            return np.ascontiguousarray(self.rows(first, end))
        above = max(0, first - 1)
        return _unforeseen(self.rows(above, end))[first - above :]


def _unforeseen(plane: np.ndarray) -> np.ndarray:
    """[h, W] uint8 less what the pixels to the left and above make of each; the first row is a picture's first."""
    wide = plane.astype(np.int16)
    guess = np.zeros_like(wide)
    guess[0, 1:] = wide[0, :-1]
    guess[1:, 0] = wide[:-1, 0]
    np.clip(wide[1:, :-1] + wide[:-1, 1:] - wide[:-1, :-1], 0, 255, out=guess[1:, 1:])
    return (wide - guess).astype(np.uint8)  # modulo 256


def _tokens(numbers: np.ndarray) -> tuple[np.ndarray, _Extra]:
    """[N] uint8 → symbols and their extra bits. Nothing is copied from before the first number."""
    begins = np.concatenate(([0], np.flatnonzero(numbers[1:] != numbers[:-1]) + 1))
    lengths = np.diff(np.append(begins, len(numbers)))
    copied = np.where(lengths < _SHORTEST_RUN, 0, lengths - 1)  # of each run, after its first number
    parts = np.where(copied, 1 + -(-copied // _LONGEST_COPY), lengths)
    run = np.repeat(np.arange(len(begins)), parts)
    place = np.arange(len(run)) - np.repeat(np.cumsum(parts) - parts, parts)  # of a token in its run
    length = np.minimum(copied[run] - (place - 1) * _LONGEST_COPY, _LONGEST_COPY)
    length = np.where((place > 0) & (copied[run] > 0), length, 0)
    prefixes, extra = _prefixes(length)
    return np.where(length > 0, _LITERALS + prefixes, numbers[begins][run]), extra


def _prefixes(length: np.ndarray) -> tuple[np.ndarray, _Extra]:
    """Lengths of copies, 0 for none → their prefixes, and the extra bits: the specification's prefix coding."""
    less = np.maximum(length - 1, 0)
    binary = np.frexp(less)[1].astype(np.int64)  # digits of the number
    extra = np.maximum(binary - 2, 0)
    prefix = np.where(less < 2, less, 2 * (binary - 1) + (less >> extra & 1))
    return prefix, _Extra(less & ((1 << extra) - 1), extra)


@dataclass(frozen=True, eq=False)
class _Code:
    """A prefix code: of each symbol the bits, the first in the lowest place, and how many; ``only`` one takes none."""

    codes: np.ndarray
    lengths: np.ndarray
    only: int

    @classmethod
    def of(cls, counts: np.ndarray) -> _Code:
        lengths = _code_lengths(counts)
        codes, code = np.zeros(len(counts), np.int64), 0
        for bits in range(1, _DEEPEST + 1):
            for symbol in np.flatnonzero(lengths == bits):
                codes[symbol] = int(f"{code:0{bits}b}"[::-1], 2)
                code += 1
            code <<= 1
        return cls(codes, lengths, int(counts.argmax()))


def _code_lengths(counts: np.ndarray) -> np.ndarray:
    """Huffman's, at most ``_DEEPEST`` bits; 0 for what does not occur, and for a symbol that is the only one."""
    least = 1
    while True:
        lengths = _huffman(np.where(counts, np.maximum(counts, least), 0))
        if lengths.max() <= _DEEPEST:
            return lengths
        least *= 2  # rare symbols are taken for less rare ones


def _huffman(counts: np.ndarray) -> np.ndarray:
    lengths = np.zeros(len(counts), np.int64)
    heap = [(int(counts[symbol]), int(symbol), [int(symbol)]) for symbol in np.flatnonzero(counts)]
    heapq.heapify(heap)
    while len(heap) > 1:
        (few, order, some), (more, _, others) = heapq.heappop(heap), heapq.heappop(heap)
        lengths[some + others] += 1
        heapq.heappush(heap, (few + more, order, some + others))
    return lengths


def _bits(counts: np.ndarray) -> float:
    """What all symbols take, about."""
    counts = counts[counts > 0].astype(float)
    return float((counts * np.log2(counts.sum() / counts)).sum())


def _header(code: _Code) -> tuple[np.ndarray, np.ndarray]:
    """What stands before the symbols, as values and numbers of bits.

    No transform, no cache of colors, no second set of codes. Then the codes of green, which is alpha, of red, blue and alpha,
    which are always 0, and of distances.
    """
    fields = [(0, 1), (0, 1), (0, 1)]
    if code.lengths.any():
        fields += [(0, 1), (15, 4)]  # written out, by a code of 4 bits for each length, whose own lengths come first:
        fields += [(0 if length > _DEEPEST else 4, 3) for length in _ORDER]
        fields += [(0, 1), *((int(f"{length:04b}"[::-1], 2), 4) for length in code.lengths)]
    else:
        fields += [(1, 1), (0, 1), (1, 1), (code.only, 8)]  # one symbol, which takes no bits
    fields += [(0b0001, 4)] * 3 + [(0b0001 | _LEFT << 3, 4)]  # one symbol each, of one bit
    values, counts = zip(*fields, strict=True)
    return np.array(values), np.array(counts)


class _Bits:
    """Bits become bytes, the first in the lowest place."""

    def __init__(self) -> None:
        self._left, self._count = 0, 0  # what does not fill a byte yet

    def add(self, values: np.ndarray, counts: np.ndarray) -> bytes:
        """Those bytes that are full. Values are of at most 25 bits each."""
        ends = np.cumsum(counts) + self._count
        begins, total = ends - counts, int(ends[-1])
        shifted = values << (begins & 7)
        array = np.zeros(total // 8 + 5)
        for lane in range(4):
            array += np.bincount((begins >> 3) + lane, shifted >> 8 * lane & 255, len(array))
        packed = array.astype(np.uint8)
        packed[0] |= self._left
        self._left, self._count = int(packed[total // 8]), total % 8
        return packed[: total // 8].tobytes()

    def rest(self) -> bytes:
        return bytes([self._left]) if self._count else b""

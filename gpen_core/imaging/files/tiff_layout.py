"""How a page of a TIFF file lays its pixels out (TIFF 6.0; Adobe's technical notes on floating point)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ImageError
from .ifd import Directory

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIPS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _PLANAR, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _EXTRA, _FORMAT = 322, 323, 324, 325, 338, 339
_KIND, _OLD_KIND = 254, 255
_REDUCED, _MASK = 1, 4  # bits of the kind of a page
_JPEGS = (6, 7)
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, CIELAB = 0, 1, 2, 3, 5, 8
_COLORS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, CIELAB: 3}


@dataclass(frozen=True)
class Layout:
    """A page's pixels.

    Attributes:
        width: In pixels.
        height: In pixels.
        bits: Of each number.
        floating: Whether the numbers are floating point.
        photometric: What they mean.
        samples: Numbers a pixel.
        extra: What those mean that are no color: 1 alpha, by which the colors are multiplied; 2 alpha; 0 unknown.
        planes: Whether each sample has a plane of its own.
        compression: TIFF's number of it.
        predictor: 1 none, 2 differences, 3 differences of bytes.
        segment: (width, height) of a tile, or of a strip.
        offsets: Where the segments lie.
        lengths: How long they are, in bytes.
        fill_order: The order of bits in a byte.
        order: "<" or ">", of the bytes in a number.
        is_tiled: Whether segments are tiles.
    """

    width: int
    height: int
    bits: int
    floating: bool
    photometric: int
    samples: int
    extra: tuple[int, ...]
    planes: bool
    compression: int
    predictor: int
    segment: tuple[int, int]
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]
    fill_order: int
    order: str
    is_tiled: bool

    @property
    def dtype(self) -> np.dtype:
        """Of a number in the file."""
        return np.dtype(f"{self.order}{'f' if self.floating else 'u'}{self.bits // 8}")

    @property
    def colors(self) -> int:
        """How many samples are colors."""
        return _COLORS[self.photometric]


def is_other_page(page: Directory, order: str) -> bool:
    """Whether a page is a reduced copy, or a mask, of another one."""
    kind = _first(page, _KIND, order, 0)
    return bool(kind & (_REDUCED | _MASK)) or _first(page, _OLD_KIND, order, 1) == 2


def size_of_page(page: Directory, order: str) -> tuple[int, int]:
    """(width, height)."""
    return _first(page, _WIDTH, order, 0), _first(page, _HEIGHT, order, 0)


def depth_of_page(page: Directory, order: str) -> tuple[int, bool, bool]:
    """Bits of the deepest sample, whether samples are other than unsigned whole numbers, and whether it is a gray picture."""
    bits = max(_all(page, _BITS, order) or (1,))
    return bits, any(kind != 1 for kind in _all(page, _FORMAT, order)), _first(page, _PHOTOMETRIC, order, 1) < RGB


def samples_of_page(page: Directory, order: str) -> tuple[int, int, bool]:
    """How many samples are colors (0: of another kind than those), how many there are, whether each has a plane of its own."""
    photometric, samples = _first(page, _PHOTOMETRIC, order, BLACK_IS_ZERO), _first(page, _SAMPLES, order, 1)
    is_other = photometric == PALETTE or _first(page, _COMPRESSION, order, 1) in _JPEGS
    return 0 if is_other else _COLORS.get(photometric, 0), samples, _first(page, _PLANAR, order, 1) == 2


def layout_of(name: str, page: Directory, order: str) -> Layout:
    """Raises ImageError for a page of a kind that is not supported."""
    bits, kinds = _all(page, _BITS, order) or (1,), _all(page, _FORMAT, order) or (1,)
    samples, photometric = _first(page, _SAMPLES, order, 1), _first(page, _PHOTOMETRIC, order, BLACK_IS_ZERO)
    width, height = size_of_page(page, order)
    depth, floating = bits[0], kinds[0] == 3
    if len({*bits}) > 1 or len({*kinds}) > 1 or depth not in ((16, 32, 64) if floating else (8, 16, 32)):
        raise ImageError(f"{name}: TIFF with {', '.join(map(str, bits))} bits per channel is not supported. {_ADVICE}")
    if kinds[0] not in (1, 3):
        raise ImageError(f"{name}: TIFF with negative numbers is not supported. {_ADVICE}")
    if photometric not in _COLORS or photometric == PALETTE or not _COLORS[photometric] <= samples <= 64:
        raise ImageError(f"{name}: TIFF with {depth} bits per channel in these colors is not supported. {_ADVICE}")
    if width < 1 or height < 1:
        raise ImageError(f"{name}: cannot be read (it has no pixels).")
    is_tiled = _TILES in page
    segment = (width, min(height, _first(page, _STRIP_ROWS, order, height) or height))
    if is_tiled:
        segment = (_first(page, _TILE_WIDTH, order, 0), _first(page, _TILE_HEIGHT, order, 0))
        if not 1 <= segment[0] <= 1 << 16 or not 1 <= segment[1] <= 1 << 16:
            raise ImageError(f"{name}: cannot be read (its tiles have no size).")
    return Layout(
        width, height, depth, floating, photometric, samples, _all(page, _EXTRA, order),
        _first(page, _PLANAR, order, 1) == 2 and samples > 1,
        _first(page, _COMPRESSION, order, 1), _first(page, _PREDICTOR, order, 1), segment,
        _all(page, _TILES if is_tiled else _STRIPS, order), _all(page, _TILE_BYTES if is_tiled else _STRIP_BYTES, order),
        _first(page, _FILL_ORDER, order, 1), order, is_tiled,
    )  # fmt: skip


_ADVICE = "Save it with 8 or 16 bits."


def _all(page: Directory, tag: int, order: str) -> tuple[int, ...]:
    value = page.get(tag)
    numbers: Sequence[float] = () if value is None else value.numbers(order)
    return tuple(int(number) for number in numbers)


def _first(page: Directory, tag: int, order: str, default: int) -> int:
    return next(iter(_all(page, tag, order)), default)

"""Read PNG files of 16 bits per channel, which Pillow reduces to 8: it is asked for the high bytes, then for the low ones."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from .arrays import bands
from .formats import open_as

_HEADER, _DEPTH, _COLORS, _CRC = 12, 24, 25, 29  # where a PNG file has them
GRAY, GRAY_AND_ALPHA, RGB_AND_ALPHA = 0, 4, 6
_SWAPPED = {"16B": "16L", "16L": "16B"}


def decode_deep_png(file: BinaryIO, colors: int) -> np.ndarray:
    """Decode a PNG file of 16 bits.

    Args:
        file: The file.
        colors: Its color type.

    Returns:
        uint16 [H, W, 1 … 4]: gray, gray and alpha, RGB, or RGBA.
    """
    if colors == GRAY:  # keeps its bits
        with open_as("PNG", file) as image:
            return np.asarray(image).astype(np.uint16)[:, :, None]
    if colors == GRAY_AND_ALPHA:
        return _gray_and_alpha(file)
    with open_as("PNG", file) as image:
        shape = image.height, image.width, len(image.mode)
    result = np.empty(shape, "<u2")
    for place, swapped in ((1, False), (0, True)):
        for top, band in _bytes(file, swapped=swapped):
            rows = result[top : top + len(band)]
            rows.view(np.uint8).reshape(*band.shape, 2)[..., place] = band
    return result.astype(np.uint16, copy=False)


def _bytes(file: BinaryIO, *, swapped: bool) -> Iterator[tuple[int, np.ndarray]]:
    """[h, W, 3 or 4], by bands from the top: the high bytes, or what Pillow takes for them in a file of the other order.

    Args:
        file: The file.
        swapped: The latter: the low ones.
    """
    with open_as("PNG", file) as image:
        image.info.pop("transparency", None)
        tiles = []
        for tile in image.tile:
            *place, arguments = tile
            rest = () if isinstance(arguments, str) else arguments[1:]
            mode, _, order = (arguments if isinstance(arguments, str) else arguments[0]).partition(";")
            raw = f"{mode};{_SWAPPED[order] if swapped else order}"
            make = getattr(tile, "_make", tuple)  # a named tuple since Pillow 11
            tiles.append(make((*place, (raw, *rest) if rest else raw)))
        image.tile = tiles
        yield from bands(image, image.mode)


def _gray_and_alpha(file: BinaryIO) -> np.ndarray:
    """The two numbers of 16 bits that a pixel has lie in the file as four of 8 do, filters included."""
    file.seek(0)
    data = bytearray(file.read())
    data[_DEPTH], data[_COLORS] = 8, RGB_AND_ALPHA
    data[_CRC : _CRC + 4] = zlib.crc32(data[_HEADER:_CRC]).to_bytes(4, "big")
    with open_as("PNG", io.BytesIO(data)) as image:
        return np.ascontiguousarray(image).view(">u2").astype(np.uint16)

"""Write PNG files with 8 or 16 bits per channel, compressed on all threads (PNG specification, third edition, W3C 2025)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from ...threads import side_by_side

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels: gray, gray and alpha, RGB, RGBA
_PAETH = 4
_LEVEL = 2  # of zlib: level 3 makes files a tenth smaller, for twice the time. Of ISA-L: its levels hardly differ
_ZLIB_HEADER, _RAW = b"\x78\x5e", -15  # a window of 32 KiB, and a stream without header and sum, which are the file's
_STRIP = 1 << 18  # bytes compressed by themselves: the window begins anew with each, which costs less than a percent
_GROUP = 256  # strips whose compressed bytes wait to be written
_BLOCK = 1 << 17  # bytes filtered at a time, so that what lies between the steps stays in a core's cache


class Rows(Protocol):
    """A picture whose rows are made as they are asked for.

    Attributes:
        shape: (height, width, channels), with 1 … 4 channels: gray, gray and alpha, RGB or RGBA.
        dtype: Of its numbers: uint8 or uint16.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype

    def band(self, first: int, end: int) -> NDArray[Any]:
        """Rows [first, end), [h, W, C]."""


def write_png(file: BinaryIO, rows: Rows, chunks: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Write a PNG file.

    Every row uses the Paeth filter: on photographs, choosing a filter per row would save less than one percent.

    Args:
        file: To write to.
        rows: The pixels.
        chunks: Kind and data of those that stand before the pixels, in their order.

    Raises:
        ValueError: The image is empty or has another data type.
    """
    height, width, channels = rows.shape
    if rows.dtype not in (np.uint8, np.uint16) or 0 in rows.shape:
        raise ValueError(
            f"a PNG file needs 8 or 16 bits per channel and at least one pixel, not {rows.dtype} {height}×{width}"
        )
    header = struct.pack(">IIBBBBB", width, height, 8 * rows.dtype.itemsize, _COLOR_TYPES[channels], 0, 0, 0)
    file.write(_SIGNATURE)
    for kind, data in ((b"IHDR", header), *chunks):
        file.write(_chunk(kind, data))
    _write_data(file, rows)
    file.write(_chunk(b"IEND", b""))


def _write_data(file: BinaryIO, rows: Rows) -> None:
    """IDAT chunks: one zlib stream, of which each strip is a part that ends at a whole byte."""
    height, width, channels = rows.shape
    each = max(1, _STRIP // (width * channels * rows.dtype.itemsize))
    library, checksum = _deflate(), 1

    def filtered(first: int) -> tuple[NDArray[np.uint8], int]:
        nonlocal checksum
        end = min(first + each, height)
        above = max(first - 1, 0)
        strip = _filtered(_bytes(rows.band(above, end)), first - above)
        checksum = library.adler32(strip.data, checksum)
        return strip, zlib.Z_SYNC_FLUSH if end < height else zlib.Z_FINISH

    def compressed(strip: tuple[NDArray[np.uint8], int]) -> bytes:
        stream = library.compressobj(_LEVEL, zlib.DEFLATED, _RAW, 9)
        return stream.compress(strip[0].data) + stream.flush(strip[1])

    file.write(_chunk(b"IDAT", _ZLIB_HEADER))
    for begin in range(0, height, _GROUP * each):
        # This thread filters, in NumPy's short operations, which threads only hold each other up with; others compress.
        firsts = range(begin, min(begin + _GROUP * each, height), each)
        for part in side_by_side(compressed, map(filtered, firsts)):
            file.write(_chunk(b"IDAT", part))
    file.write(_chunk(b"IDAT", struct.pack(">I", checksum)))


def _bytes(rows: NDArray[Any]) -> NDArray[np.uint8]:
    """[h, W, C] → the bytes of each pixel, the most significant of a number first."""
    stored = np.ascontiguousarray(rows, ">u2" if rows.itemsize == 2 else None)
    return stored.view(np.uint8).reshape(*rows.shape[:2], -1)


def _deflate() -> Any:
    """Intel's ISA-L, also for Arm: a fifth of zlib's time, and on photographs a smaller file. zlib, where it isn't."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


def _filtered(rows: NDArray[np.uint8], first: int) -> NDArray[np.uint8]:
    """Rows [h, width, step] from the ``first`` on, each less what Paeth predicts of it, after the byte that names the filter.

    ``first`` is 1 where a row lies above, else 0.
    """
    end, width, step = rows.shape
    result = np.empty((end - first, 1 + width * step), np.uint8)
    result[:, 0] = _PAETH
    each = max(1, _BLOCK // (width * step))
    for begin in range(first, end, each):
        stop = min(begin + each, end)
        # The pixels with the row above and the column to the left, 0 outside of the picture.
        around = np.empty((stop - begin + 1, width + 1, step), np.uint8)
        around[0] = around[:, 0] = 0
        around[begin == 0 :, 1:] = rows[max(begin - 1, 0) : stop]
        here = result[begin - first : stop - first, 1:].reshape(stop - begin, width, step)
        predicted = _prediction(around[1:, :-1], around[:-1, 1:], around[:-1, :-1])
        np.subtract(around[1:, 1:], predicted, out=here)  # modulo 256
    return result


def _prediction(left: NDArray[np.uint8], above: NDArray[np.uint8], corner: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of three neighbors (the corner is above left) the one nearest to left + above − corner (section 9.4).

    That is the lower of left and above where the corner lies in the third next to the higher or beyond it, the higher where
    it lies in the third next to the lower or beyond, and else the corner. Bytes, and masks instead of choices pixel by
    pixel, take a quarter of the time of the section's own words in NumPy.
    """
    lower, higher = np.minimum(left, above), np.maximum(left, above)
    corner = np.minimum(np.maximum(corner, lower), higher)
    down, up = corner - lower, higher - corner
    return corner - (down & _mask(up <= down >> 1)) + (up & _mask(down <= up >> 1))


def _mask(truth: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """255 where it is true, else 0."""
    return np.negative(truth.view(np.uint8))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))

"""PNG files of 8 and 16 bits a channel, compressed on all threads (Portable Network Graphics, third edition, W3C 2025)."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from ..threads import side_by_side

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels: grey, grey and alpha, RGB, RGBA
_PAETH = 4
_LEVEL = 2  # level 3 makes files a tenth smaller, for twice the time
_ZLIB_HEADER, _RAW = b"\x78\x5e", -15  # a window of 32 KiB, and a stream without header and sum, which are the file's
_STRIP = 1 << 19  # bytes compressed by themselves: the window begins anew with each, which costs less than a per cent
_BLOCK = 1 << 17  # bytes filtered at a time, so that what lies between the steps stays in a core's cache


def encode_png(pixels: NDArray[np.uint8] | NDArray[np.uint16], icc: bytes | None, exif: bytes | None) -> bytes:
    """[H, W] or [H, W, C], C = 1 … 4: grey, grey and alpha, RGB or RGBA → the file. ``exif``: a TIFF block, without prefix.

    Every row is filtered by Paeth's: on photographs that comes within a per cent of choosing a filter for each. Raises
    ValueError for an empty picture.
    """
    if pixels.dtype not in (np.uint8, np.uint16) or not pixels.size:
        raise ValueError(
            f"a PNG file holds 8 or 16 bits a channel and at least one pixel, not {pixels.dtype} {pixels.shape}"
        )
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    depth = 8 * pixels.itemsize
    stored = np.ascontiguousarray(pixels, ">u2" if depth == 16 else None)  # the most significant byte first
    rows = stored.view(np.uint8).reshape(height, width, channels * pixels.itemsize)
    chunks = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, _COLOR_TYPES[channels], 0, 0, 0))]
    if icc:
        chunks.append(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if exif:
        chunks.append(_chunk(b"eXIf", exif))
    return b"".join([_SIGNATURE, *chunks, *_data(rows), _chunk(b"IEND", b"")])


def _data(rows: NDArray[np.uint8]) -> list[bytes]:
    """IDAT chunks: one zlib stream, of which each strip is a part that ends at a whole byte."""
    height, width, step = rows.shape
    each = max(1, _STRIP // (width * step))

    def strip(first: int) -> tuple[NDArray[np.uint8], bytes]:
        filtered = _filtered(rows, first, min(first + each, height))
        stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, memLevel=9)
        flush = zlib.Z_SYNC_FLUSH if first + each < height else zlib.Z_FINISH
        return filtered, stream.compress(filtered.data) + stream.flush(flush)

    strips = side_by_side(strip, range(0, height, each))
    checksum = 1
    for filtered, _ in strips:
        checksum = zlib.adler32(filtered.data, checksum)
    return [
        _chunk(b"IDAT", part) for part in (_ZLIB_HEADER, *(part for _, part in strips), struct.pack(">I", checksum))
    ]


def _filtered(rows: NDArray[np.uint8], first: int, end: int) -> NDArray[np.uint8]:
    """Rows [first, end) of [H, W, step], each less what Paeth predicts of it, after the byte that names the filter."""
    _, width, step = rows.shape
    result = np.empty((end - first, 1 + width * step), np.uint8)
    result[:, 0] = _PAETH
    each = max(1, _BLOCK // (width * step))
    for begin in range(first, end, each):
        stop = min(begin + each, end)
        # The pixels with the row above and the column to the left, 0 outside of the picture.
        around = np.zeros((stop - begin + 1, width + 1, step), np.int16)
        around[begin == 0 :, 1:] = rows[max(begin - 1, 0) : stop]
        here = result[begin - first : stop - first, 1:].reshape(stop - begin, width, step)
        np.subtract(around[1:, 1:], _prediction(around), out=here, casting="unsafe")  # modulo 256
    return result


def _prediction(around: NDArray[np.int16]) -> NDArray[np.int16]:
    """Of left, above and above left, the one that is nearest to left + above − above left (section 9.4)."""
    left, above, corner = around[1:, :-1], around[:-1, 1:], around[:-1, :-1]
    by_left, by_above = above - corner, left - corner
    by_corner = np.abs(by_left + by_above)
    np.abs(by_left, out=by_left)
    np.abs(by_above, out=by_above)
    chosen = np.where(by_above <= by_corner, above, corner)
    np.copyto(chosen, left, where=(by_left <= by_above) & (by_left <= by_corner))
    return chosen


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))

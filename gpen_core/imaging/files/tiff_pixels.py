"""Read pixels of TIFF files that Pillow cannot: of 16 and 32 bits, whole or floating point, interleaved or in planes."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
from PIL import TiffImagePlugin

from ...errors import ImageError
from .ifd import LONG, SHORT, Block, directories, entry
from .tiff_layout import Layout

_NONE, _DEFLATE = 1, (8, 32946)
_FLOATS = 3  # the predictor
_PIECE = 1 << 18  # compressed bytes
_BAND = 1 << 22  # bytes that are taken at a time of what can be taken in parts


def read_pixels(name: str, file: BinaryIO, layout: Layout) -> np.ndarray:
    """All samples of a page.

    Args:
        name: Of the file.
        file: The file.
        layout: Of the page.

    Returns:
        [H, W, samples] as stored: uint8, uint16, uint32, float16, float32 or float64.

    Raises:
        ImageError: It is cut off, or compressed in a way that is not supported.
    """
    samples = 1 if layout.planes else layout.samples
    wide, high = layout.segment
    places = [
        (plane, top, left)
        for plane in range(layout.samples if layout.planes else 1)
        for top in range(0, layout.height, high)
        for left in range(0, layout.width, wide)
    ]
    if len(layout.offsets) < len(places) or len(layout.lengths) < len(places):
        raise ImageError(f"{name}: cannot be read (parts of it are missing).")
    result = np.zeros((layout.height, layout.width, layout.samples), layout.dtype.newbyteorder("="))
    for (plane, top, left), offset, length in zip(places, layout.offsets, layout.lengths):
        rows = high if layout.is_tiled else min(high, layout.height - top)  # tiles are whole, beyond the edges too
        at = top
        for band in _bands(name, file, layout, offset, length, (rows, wide * samples)):
            right, bottom = min(left + wide, layout.width), min(at + len(band), layout.height)
            part = band.reshape(len(band), wide, samples)[: bottom - at, : right - left]
            result[at:bottom, left:right, plane : plane + samples] = part
            at = bottom
    return result


def _bands(
    name: str, file: BinaryIO, layout: Layout, offset: int, length: int, shape: tuple[int, int]
) -> Iterator[np.ndarray]:
    """Rows [h, numbers] of one segment of ``shape`` (rows, numbers in a row), from the top."""
    rows, numbers = shape
    width = numbers * layout.dtype.itemsize
    take = _stream(name, file, layout, offset, length, (rows, width))
    step = max(1, _BAND // width)
    for begin in range(0, rows, step):
        count = min(step, rows - begin)
        data = take(count * width)
        if len(data) < count * width:
            raise ImageError(f"{name}: cannot be read (it is cut off).")
        yield _predicted(np.frombuffer(data, np.uint8).reshape(count, width), layout)


def _stream(
    name: str, file: BinaryIO, layout: Layout, offset: int, length: int, shape: tuple[int, int]
) -> Callable[[int], bytes]:
    """What gives the next so many bytes of a segment of ``shape`` (rows, bytes in a row)."""
    file.seek(offset)
    if layout.compression == _NONE:
        return file.read
    if layout.compression in _DEFLATE:
        return _inflating(file, length)
    return io.BytesIO(_by_libtiff(name, file.read(min(length, 1 << 32)), layout, shape)).read


def _inflating(file: BinaryIO, length: int) -> Callable[[int], bytes]:
    """The same, of ``length`` compressed bytes from here on; nobody else may read the file meanwhile."""
    inflate, left, waiting = zlib.decompressobj(), length, b""

    def take(count: int) -> bytes:
        nonlocal left, waiting
        found = []
        while count > 0 and (waiting or left) and not inflate.eof:
            if not waiting:
                waiting = file.read(min(left, _PIECE))
                left -= len(waiting) or left
            found.append(inflate.decompress(waiting, count))
            waiting = inflate.unconsumed_tail
            count -= len(found[-1])
        return b"".join(found)

    return take


def _by_libtiff(name: str, data: bytes, layout: Layout, shape: tuple[int, int]) -> bytes:
    """A segment as if it were a gray picture of 8 bits of its own: of that, libtiff undoes every compression it knows."""
    rows, width = shape
    main = {
        256: entry(LONG, width),
        257: entry(LONG, rows),
        258: entry(SHORT, 8),
        259: entry(SHORT, layout.compression),
    }
    main |= {262: entry(SHORT, 1), 266: entry(SHORT, layout.fill_order), 277: entry(SHORT, 1), 278: entry(LONG, rows)}
    main |= {273: entry(LONG, 8), 279: entry(LONG, len(data))}
    head = b"II*\0" + (8 + len(data) + len(data) % 2).to_bytes(4, "little")
    whole = head + data + bytes(len(data) % 2) + directories(Block("<", main), 8 + len(data) + len(data) % 2)
    try:
        with TiffImagePlugin.TiffImageFile(io.BytesIO(whole)) as image:
            return image.tobytes()
    except Exception as error:  # whatever a decoder raises
        raise ImageError(
            f"{name}: cannot be read (compression {layout.compression}). Save it uncompressed, or with ZIP compression."
        ) from error


def _predicted(rows: np.ndarray, layout: Layout) -> np.ndarray:
    """[h, bytes] → [h, numbers], of this machine's byte order."""
    samples, size = 1 if layout.planes else layout.samples, layout.dtype.itemsize
    if layout.predictor == _FLOATS:
        count, width = rows.shape
        whole = np.cumsum(rows.reshape(count, -1, samples), axis=1, dtype=np.uint8).reshape(count, width)
        parted = whole.reshape(count, size, width // size).transpose(
            0, 2, 1
        )  # all highest bytes come first, then the next
        return np.ascontiguousarray(parted).view(f">f{size}")[..., 0].astype(f"f{size}")
    numbers: np.ndarray = rows.view(layout.dtype)
    if layout.predictor == 1:
        return numbers
    if layout.floating:  # differences of the bits
        numbers = numbers.view(f"{layout.order}u{size}")
    native = numbers.astype(numbers.dtype.newbyteorder("="))
    summed: np.ndarray = np.cumsum(native.reshape(len(rows), -1, samples), axis=1, dtype=native.dtype).reshape(
        native.shape
    )
    return summed.view(layout.dtype.newbyteorder("="))

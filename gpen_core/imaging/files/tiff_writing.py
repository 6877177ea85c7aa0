"""Write TIFF files (TIFF 6.0) of 8, 16 or 32 bits, with all of a picture's tags and its Exif and GPS directories.

Pixels lie in strips, compressed by Deflate ("ZIP") with the predictor that suits their kind.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ...threads import side_by_side
from .ifd import BYTES, LONG, SHORT, UNDEFINED, Block, Entry, directories, entry
from .png import Rows

_STRIP = 1 << 18  # bytes, before they are compressed
_LEVEL = 4
_DEFLATE, _DIFFERENCES, _FLOATS = 8, 2, 3
_STRAIGHT_ALPHA = 2
_MEANINGS, _CMYK_INKS = {"CMYK": 5, "LAB": 8}, 1  # photometric interpretations, and the set of inks
_LARGEST = 0xFFFF0000
_GROUP = 64  # strips whose compressed bytes wait to be written


def write_tiff(file: BinaryIO, rows: Rows, block: Block, own: dict[int, Entry], mode: str = "RGB") -> None:
    """Write a file.

    Args:
        file: To write to.
        rows: The pixels: uint8, uint16, float16 or float32; of RGB with 2 or 4 channels, the last is alpha.
        block: Tags about the picture, and the Exif and GPS directories.
        own: XMP, IPTC data and the profile, by their tags.
        mode: What the numbers are: "RGB" (or gray, with up to 2 channels), "CMYK" or "LAB".

    Raises:
        ValueError: The picture is empty, or too large for this format.
    """
    height, width, channels = rows.shape
    if 0 in rows.shape:
        raise ValueError("a TIFF file needs at least one pixel")
    order, size = block.order, rows.dtype.itemsize
    each = max(1, _STRIP // (width * channels * size))
    file.write(b"II*\0" if order == "<" else b"MM\0*")
    file.write(bytes(4))  # where the directory lies, which is not known yet
    at, places, lengths = 8, [], []
    for data in _strips(rows, each, order):
        places.append(at)
        lengths.append(len(data))
        file.write(data + bytes(len(data) % 2))
        at += len(data) + len(data) % 2
        if at > _LARGEST:
            raise ValueError("more than 4 GiB do not fit into a TIFF file. Write a PNG file")
    floating = rows.dtype.kind == "f"
    alpha = channels in (2, 4) and mode == "RGB"
    meaning = _MEANINGS.get(mode, 1 if channels < 3 else 2)

    def numbers(kind: int, *values: int) -> Entry:
        return entry(kind, *values, order=order)

    layout = {
        256: numbers(LONG, width), 257: numbers(LONG, height), 258: numbers(SHORT, *[8 * size] * channels),
        259: numbers(SHORT, _DEFLATE), 262: numbers(SHORT, meaning), 273: numbers(LONG, *places),
        277: numbers(SHORT, channels), 278: numbers(LONG, each), 279: numbers(LONG, *lengths), 284: numbers(SHORT, 1),
        317: numbers(SHORT, _FLOATS if floating else _DIFFERENCES),
        339: numbers(SHORT, *[3 if floating else 1] * channels),
    }  # fmt: skip
    if mode == "CMYK":
        layout[332] = numbers(SHORT, _CMYK_INKS)
    if alpha:
        layout[338] = numbers(SHORT, _STRAIGHT_ALPHA)
    whole = Block(order, {**block.main, **own, **layout}, block.parts)
    file.write(directories(whole, at))
    file.seek(4)
    file.write(struct.pack(f"{order}I", at))


def own_tags(xmp: bytes | None, iptc: bytes | None, icc: bytes | None) -> dict[int, Entry]:
    """What TIFF files keep under tags of their own."""
    found = {700: (BYTES, xmp), 33723: (UNDEFINED, iptc), 34675: (UNDEFINED, icc)}
    return {tag: Entry(kind, len(data), data) for tag, (kind, data) in found.items() if data}


def _strips(rows: Rows, each: int, order: str) -> Iterator[bytes]:
    def compressed(first: int) -> bytes:
        return zlib.compress(_predicted(rows.band(first, min(first + each, rows.shape[0])), order), _LEVEL)

    for begin in range(0, rows.shape[0], _GROUP * each):
        yield from side_by_side(compressed, range(begin, min(begin + _GROUP * each, rows.shape[0]), each))


def _predicted(band: np.ndarray, order: str) -> bytes:
    """[h, W, C] → the bytes of its numbers, each less the one to its left."""
    height, size = len(band), band.itemsize
    parted: np.ndarray
    if band.dtype.kind == "f":  # all highest bytes of a row come first, then the next; then the differences of bytes
        parted = np.ascontiguousarray(band, f">f{size}").reshape(height, -1).view(np.uint8)
        parted = np.ascontiguousarray(parted.reshape(height, -1, size).transpose(0, 2, 1)).reshape(
            height, -1, band.shape[2]
        )
    else:
        parted = band
    less = np.array(parted)
    less[:, 1:] -= parted[:, :-1]
    return less.astype(np.dtype(f"{order}{less.dtype.kind}{less.dtype.itemsize}"), copy=False).tobytes()

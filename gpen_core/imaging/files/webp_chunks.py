"""What a WebP file says beside its pixels: the chunks of its RIFF container."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from .exif import PREFIX
from .picture import Known, Metadata

_LARGEST = 1 << 26
_SIDE = (1 << 14) - 1


def read_webp(file: BinaryIO) -> Metadata:
    """All that the file says."""
    found = {kind: data for kind, data in _chunks(file) if data}
    exif = found.get(b"EXIF", b"").removeprefix(PREFIX) or None
    return Metadata(found.get(b"ICCP"), exif, Known(xmp=found.get(b"XMP ")))


def size_of_webp(file: BinaryIO) -> tuple[int, int] | None:
    """(width, height) of the canvas, which a decoder takes memory for as soon as it is made; None where none is said."""
    file.seek(12)
    head = file.read(18)
    kind, body = head[:4], head[8:]
    if kind == b"VP8X" and len(body) == 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:], "little")
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) == 10:
        width, height = struct.unpack("<2H", body[6:])
        return width & _SIDE, height & _SIDE
    if kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & _SIDE), 1 + (bits >> 14 & _SIDE)
    return None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    length = file.seek(0, 2)
    at = 12
    while at + 8 <= length:
        file.seek(at)
        kind, size = struct.unpack("<4sI", file.read(8))
        if kind in (b"ICCP", b"EXIF", b"XMP ") and size <= _LARGEST:
            yield kind, file.read(size)
        at += 8 + size + size % 2

"""The chunks of a WebP file, a RIFF container: what it says beside its pixels, and how one is put together."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from .exif import PREFIX
from .picture import Known, Metadata

_LARGEST = 1 << 26
_SIDE = (1 << 14) - 1
_PROFILE, _ALPHA, _EXIF, _XMP = 0x20, 0x10, 0x08, 0x04  # flags of the chunk VP8X


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


def pixels_of_webp(data: bytes) -> bytes:
    """The chunk of a file without alpha, transforms or animation that holds its pixels, compressed with loss."""
    size = int.from_bytes(data[16:20], "little")
    if data[12:16] != b"VP8 ":
        raise ValueError("no plain WebP file")
    return data[20 : 20 + size]


def write_webp(file: BinaryIO, size: tuple[int, int], pixels: bytes, alpha: Iterable[bytes], others: Metadata) -> None:
    """Write a file with alpha.

    Args:
        file: Open for writing, at its beginning.
        size: (width, height).
        pixels: See ``pixels_of_webp``.
        alpha: The content of the chunk ``ALPH``, piece by piece.
        others: The profile, EXIF and XMP.
    """
    icc, exif, xmp = others.icc, others.exif, others.known.xmp
    flags = _ALPHA | (_PROFILE if icc else 0) | (_EXIF if exif else 0) | (_XMP if xmp else 0)
    canvas = bytes([flags, 0, 0, 0]) + b"".join((side - 1).to_bytes(3, "little") for side in size)
    file.write(b"RIFF\0\0\0\0WEBP")
    _write_chunk(file, b"VP8X", [canvas])
    if icc:
        _write_chunk(file, b"ICCP", [icc])
    _write_chunk(file, b"ALPH", alpha)
    _write_chunk(file, b"VP8 ", [pixels])
    for kind, content in ((b"EXIF", exif), (b"XMP ", xmp)):
        if content:
            _write_chunk(file, kind, [content])
    _write_length(file, 4)


def _write_chunk(file: BinaryIO, kind: bytes, pieces: Iterable[bytes]) -> None:
    file.write(kind + bytes(4))
    begins = file.tell()
    for piece in pieces:
        file.write(piece)
    _write_length(file, begins - 4)
    if (file.tell() - begins) % 2:
        file.write(b"\0")


def _write_length(file: BinaryIO, place: int) -> None:
    """How many bytes have followed, into the four bytes before them."""
    ends = file.tell()
    file.seek(place)
    file.write(struct.pack("<I", ends - place - 4))
    file.seek(ends)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    length = file.seek(0, 2)
    at = 12
    while at + 8 <= length:
        file.seek(at)
        kind, size = struct.unpack("<4sI", file.read(8))
        if kind in (b"ICCP", b"EXIF", b"XMP ") and size <= _LARGEST:
            yield kind, file.read(size)
        at += 8 + size + size % 2

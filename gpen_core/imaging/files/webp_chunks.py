"""What a WebP file says beside its pixels: the chunks of its RIFF container."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from .exif import PREFIX
from .picture import Known, Metadata

_LARGEST = 1 << 26


def read_webp(file: BinaryIO) -> Metadata:
    """All that the file says."""
    found = {kind: data for kind, data in _chunks(file) if data}
    exif = found.get(b"EXIF", b"").removeprefix(PREFIX) or None
    return Metadata(found.get(b"ICCP"), exif, Known(xmp=found.get(b"XMP ")))


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    length = file.seek(0, 2)
    at = 12
    while at + 8 <= length:
        file.seek(at)
        kind, size = struct.unpack("<4sI", file.read(8))
        if kind in (b"ICCP", b"EXIF", b"XMP ") and size <= _LARGEST:
            yield kind, file.read(size)
        at += 8 + size + size % 2

"""PNG files with any chunks."""

import struct
import zlib

import numpy as np


def png_with(path, pixels, *chunks):
    """A PNG file of uint8 or uint16 [H, W, 3], or [H, W] of gray, with these chunks."""
    deep = pixels.dtype == np.uint16
    height, width = pixels.shape[:2]
    data = b"".join(b"\0" + row.astype(">u2" if deep else "u1").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16 if deep else 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    every = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in every
    ))  # fmt: skip


def chunks_of(path):
    data, at, found = path.read_bytes(), 8, {}
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        found[kind] = data[at + 8 : at + 8 + size]
        at += 12 + size
    return found

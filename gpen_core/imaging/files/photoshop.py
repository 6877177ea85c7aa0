"""Photoshop's image resources, among which JPEG files keep IPTC data; the others describe the old picture, or show it."""

from __future__ import annotations

import struct

_SIGNATURE, _IPTC = b"8BIM", 0x0404


def iptc_of(resources: bytes) -> bytes | None:
    """The IPTC-IIM records among the resources."""
    at, found = 0, b""
    while resources[at : at + 4] == _SIGNATURE and at + 8 <= len(resources):
        kind = struct.unpack(">H", resources[at + 4 : at + 6])[0]
        name = resources[at + 6] + 1
        at += 6 + name + name % 2
        (size,) = struct.unpack(">I", resources[at : at + 4].ljust(4, b"\0"))
        if kind == _IPTC:
            found += resources[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return found or None


def resources_with(iptc: bytes) -> bytes:
    """Resources that hold these records and nothing else."""
    return _SIGNATURE + struct.pack(">HHI", _IPTC, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)

"""What a JPEG file says beside its pixels: its segments read, and written.

JFIF 1.02, EXIF 2.32, XMP part 3, IPTC-IIM, and the number of images of CIPA DC-007 (MPO).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from .exif import PREFIX
from .ifd import Reader
from .photoshop import iptc_of, resources_with
from .picture import Known, Metadata, Resolution, Text
from .texts import COMMENT, decoded
from .xmp import joined

LARGEST = 65533  # bytes in a segment
_XMP, _MORE_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP, _ICC, _MPF = b"Photoshop 3.0\0", b"ICC_PROFILE\0", b"MPF\0"
_NUMBER_OF_IMAGES = 0xB001
_APP0, _APP1, _APP2, _APP13, _COM, _SOS, _EOI = 0xE0, 0xE1, 0xE2, 0xED, 0xFE, 0xDA, 0xD9
_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without data
_MOST_TEXT = 1 << 26
_POINTER = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{guid}"/>'
    "</rdf:RDF></x:xmpmeta>"
)


def read_jpeg(file: BinaryIO) -> Metadata:
    """All that the file says before its pixels."""
    found, resolution = Metadata(), None
    exif, photoshop, xmp = b"", b"", None
    comments: list[Text] = []
    profile: dict[int, bytes] = {}
    more: dict[bytes, dict[int, bytes]] = {}
    for marker, data in _segments(file):
        if marker == _APP0 and data.startswith(b"JFIF\0") and len(data) >= 12:
            resolution = _resolution(*struct.unpack(">BHH", data[7:12]))
        elif marker == _APP1 and data.startswith(PREFIX):
            exif += data[len(PREFIX) :]  # some programs go on in another segment
        elif marker == _APP1 and data.startswith(_XMP):
            xmp = xmp or data[len(_XMP) :]
        elif marker == _APP1 and data.startswith(_MORE_XMP):
            guid, _, at = struct.unpack(">32sII", data[len(_MORE_XMP) :][:40].ljust(40, b"\0"))
            more.setdefault(guid, {})[at] = data[len(_MORE_XMP) + 40 :]
        elif marker == _APP2 and data.startswith(_ICC):
            profile[data[12] if len(data) > 14 else 0] = data[14:]
        elif marker == _APP2 and data.startswith(_MPF):
            found.others = _others(data[len(_MPF) :])
        elif marker == _APP13 and data.startswith(_PHOTOSHOP):
            photoshop += data[len(_PHOTOSHOP) :]
        elif marker == _COM:
            comments.append(Text(COMMENT, decoded(data.rstrip(b"\0"))))
    found.icc = b"".join(profile[number] for number in sorted(profile)) or None
    found.exif = exif or None
    found.known = Known(tuple(comments), _whole(xmp, more), iptc_of(photoshop), resolution)
    return found


def jpeg_segments(known: Known, exif: bytes | None) -> tuple[bytes, list[str]]:
    """Segments for all that is known but the texts (see ``hide_texts``) and the profile; and what is too large, in words.

    ``exif``: a block that fits into a segment.
    """
    lost, made = [], []
    if exif:
        made.append(_segment(_APP1, PREFIX + exif))
    if known.xmp:
        made += _xmp(known.xmp)
    if known.iptc:
        resources = _PHOTOSHOP + resources_with(known.iptc)
        if len(resources) <= LARGEST:
            made.append(_segment(_APP13, resources))
        else:
            lost.append(f"IPTC data ({len(known.iptc) / 1000:.0f} kB)")
    for text in known.texts:
        data = text.value.encode("utf-8", "replace")
        made += [_segment(_COM, data[at : at + LARGEST]) for at in range(0, len(data), LARGEST)]
    return b"".join(made), lost


def icc_segments(icc: bytes) -> bytes:
    """A profile, in as many segments as it takes."""
    step = LARGEST - len(_ICC) - 2
    parts = [icc[at : at + step] for at in range(0, len(icc), step)]
    return b"".join(_segment(_APP2, _ICC + bytes((number, len(parts))) + part) for number, part in enumerate(parts, 1))


def _xmp(packet: bytes) -> Iterator[bytes]:
    """One segment; or, for a longer packet, one that names the others, which hold it."""
    if len(_XMP) + len(packet) <= LARGEST:
        yield _segment(_APP1, _XMP + packet)
        return
    guid = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper()
    yield _segment(_APP1, _XMP + _POINTER.format(guid=guid).encode())
    step = LARGEST - len(_MORE_XMP) - 40
    for at in range(0, len(packet), step):
        head = struct.pack(">32sII", guid.encode(), len(packet), at)
        yield _segment(_APP1, _MORE_XMP + head + packet[at : at + step])


def _whole(xmp: bytes | None, more: dict[bytes, dict[int, bytes]]) -> bytes | None:
    """A packet with its extension, which lies in segments of its own."""
    for guid, parts in more.items():
        if xmp is not None and guid in xmp:
            whole = b"".join(parts[at] for at in sorted(parts))
            alone = xmp == _POINTER.format(guid=guid.decode("latin-1")).encode()
            return whole if alone else joined(xmp, whole)
    return xmp


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    file.seek(2)
    total = 0
    while True:
        byte = file.read(1)
        while byte and byte != b"\xff":  # what lies between segments is skipped, as decoders do
            byte = file.read(1)
        while byte == b"\xff":
            byte = file.read(1)
        marker = byte[0] if byte else _EOI
        if marker in (_SOS, _EOI):
            return
        if marker in _BARE or marker == 0:
            continue
        (length,) = struct.unpack(">H", file.read(2).ljust(2, b"\0"))
        data = file.read(max(0, length - 2))
        total += len(data)
        if total > _MOST_TEXT:
            return
        yield marker, data


def _others(index: bytes) -> int:
    """How many images an MPO's index knows beside the first one; 0 where it cannot be read."""
    try:
        reader = Reader(BytesIO(index))
        number = next(iter(reader.pages()), {}).get(_NUMBER_OF_IMAGES)
    except ValueError:
        return 0
    found = number.numbers(reader.order) if number is not None else ()
    return max(0, int(found[0]) - 1) if found else 0


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _resolution(unit: int, x: int, y: int) -> Resolution | None:
    factor = {1: 1.0, 2: 2.54}.get(unit)
    if not x or not y or (factor is None and x == y):
        return None
    return Resolution(x * (factor or 1), y * (factor or 1), factor is not None)

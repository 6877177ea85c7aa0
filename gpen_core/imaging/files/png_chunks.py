"""What a PNG file says beside its pixels (PNG specification, third edition, W3C 2025): its chunks read, and written."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from .exif import PREFIX
from .photoshop import iptc_of
from .picture import Known, Resolution, Text
from .texts import decoded

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP, _IPTC, _EXIF = "XML:com.adobe.xmp", "Raw profile type iptc", ("Raw profile type exif", "Raw profile type APP1")
_RAW_XMP, _RAW_RESOURCES = "Raw profile type xmp", "Raw profile type 8bim"  # ImageMagick's
_FOR_PILLOW = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}
_COLOR = (b"cICP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"cLLI")  # in the order in which they are written
_LARGEST_TEXT = 1 << 26
_INCH = 0.0254  # m
_LATIN_1_LINE = re.compile("[\n\x20-\x7e\xa0-\xff]*")  # what the specification allows in a tEXt chunk
_KEYWORD = re.compile("[\x20-\x7e\xa1-\xff]{1,79}")


@dataclass
class PngFile:
    """The chunks of a file.

    Attributes:
        depth: Bits per number.
        colors: The color type.
        key: The transparent value, where there is one.
        icc: Color profile.
        exif: A block without prefix.
        known: The rest.
        pixels: Where the chunks lie that say something of the pixels: first byte and length.
    """

    depth: int = 8
    colors: int = 2
    key: bytes | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    known: Known = field(default_factory=Known)
    pixels: tuple[tuple[int, int], ...] = ()


def read_png(file: BinaryIO) -> PngFile:
    """All that the file says; chunks that make no sense are as good as absent."""
    found, texts = PngFile(), list[Text]()
    about: dict[str, bytes] = {}
    color: dict[bytes, bytes] = {}
    resolution, changed, places = None, None, [(0, len(SIGNATURE))]
    for kind, begin, length in _chunks(file):
        if kind in _FOR_PILLOW:
            places.append((begin - 8, length + 12))
        if kind == b"IDAT" or length > _LARGEST_TEXT:
            continue
        file.seek(begin)
        data = file.read(length)
        if kind == b"IHDR" and length == 13:
            found.depth, found.colors = data[8], data[9]
        elif kind == b"tRNS":
            found.key = data
        elif kind == b"iCCP":
            found.icc = _inflated(data.partition(b"\0")[2][1:]) or b"none"  # which is said to be damaged
        elif kind == b"eXIf":
            found.exif = data.removeprefix(PREFIX)
        elif kind in _COLOR:
            color[kind] = data
        elif kind == b"pHYs" and length == 9:
            resolution = _resolution(*struct.unpack(">IIB", data))
        elif kind == b"tIME" and length == 7:
            changed = data
        elif kind in (b"tEXt", b"zTXt", b"iTXt") and (text := _text(kind, data)) is not None:
            if text.keyword in (_XMP, _IPTC, _RAW_XMP, _RAW_RESOURCES, *_EXIF):
                about.setdefault(text.keyword, text.value.encode())
            else:
                texts.append(text)
    for name in _EXIF:
        found.exif = found.exif or (_profile(about.get(name)) or b"").removeprefix(PREFIX) or None
    found.pixels = tuple(places)
    xmp = about.get(_XMP) or _profile(about.get(_RAW_XMP))
    iptc = _profile(about.get(_IPTC)) or _profile(about.get(_RAW_RESOURCES))
    if iptc is not None and iptc.startswith(b"8BIM"):
        iptc = iptc_of(iptc)
    found.known = Known(tuple(texts), xmp, iptc, resolution, changed, color)
    return found


def png_chunks(known: Known, icc: bytes | None, exif: bytes | None) -> tuple[list[tuple[bytes, bytes]], list[Text]]:
    """The chunks, kind and data, that stand before the pixels; and the texts that have no place in a PNG file."""
    chunks = [(kind, known.png_color[kind]) for kind in _COLOR if kind in known.png_color]
    if icc:
        chunks = [chunk for chunk in chunks if chunk[0] != b"sRGB"]  # one or the other, says the specification
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    if known.resolution:
        chunks.append((b"pHYs", _density(known.resolution)))
    if known.changed:
        chunks.append((b"tIME", known.changed))
    if exif:
        chunks.append((b"eXIf", exif))
    if known.xmp:
        chunks.append((b"iTXt", _international(Text(_XMP, ""), known.xmp)))
    if known.iptc:
        lines = f"\niptc\n{len(known.iptc):8d}\n" + re.sub("(.{72})", r"\1\n", known.iptc.hex()) + "\n"
        chunks.append((b"zTXt", _IPTC.encode() + b"\0\0" + zlib.compress(lines.encode())))
    lost = []
    for text in known.texts:
        if _KEYWORD.fullmatch(text.keyword) and "\0" not in text.value:
            chunks.append(_written(text))
        else:
            lost.append(text)
    return chunks, lost


def _written(text: Text) -> tuple[bytes, bytes]:
    if text.language or text.translated or not _LATIN_1_LINE.fullmatch(text.value):
        return b"iTXt", _international(text, text.value.encode("utf-8", "replace"))
    return b"tEXt", text.keyword.encode("latin-1") + b"\0" + text.value.encode("latin-1")


def _international(text: Text, value: bytes) -> bytes:
    parts = (
        text.keyword.encode("latin-1"),
        b"\0\0" + text.language.encode("ascii", "ignore"),
        text.translated.encode(),
        value,
    )
    return b"\0".join(parts)


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each chunk, where its data begin, and how long they are."""
    length = file.seek(0, 2)
    begin = len(SIGNATURE)
    while begin + 8 <= length:
        file.seek(begin)
        size, kind = struct.unpack(">I4s", file.read(8))
        if begin + 8 + size > length:
            size = length - begin - 8  # cut off: the decoder says so
        yield kind, begin + 8, size
        if kind == b"IEND":
            return
        begin += size + 12


def _text(kind: bytes, data: bytes) -> Text | None:
    name, _, rest = data.partition(b"\0")
    keyword = name.decode("latin-1")
    if kind == b"tEXt":
        return Text(keyword, decoded(rest))
    if kind == b"zTXt":
        value = _inflated(rest[1:])
        return None if value is None else Text(keyword, decoded(value))
    if len(rest) < 2:
        return None
    is_packed = rest[0] == 1
    language, _, rest = rest[2:].partition(b"\0")
    translated, _, value = rest.partition(b"\0")
    value = _inflated(value) if is_packed else value
    if value is None:
        return None
    return Text(
        keyword, value.decode("utf-8", "replace"), language.decode("latin-1"), translated.decode("utf-8", "replace")
    )


def _inflated(data: bytes) -> bytes | None:
    """None for what is damaged, or longer than any text should be."""
    stream = zlib.decompressobj()
    try:
        value = stream.decompress(data, _LARGEST_TEXT)
    except zlib.error:
        return None
    return value if stream.eof else None


def _profile(text: bytes | None) -> bytes | None:
    """The bytes that ImageMagick and exiftool write in hexadecimal digits, after a name and a length."""
    if text is None:
        return None
    digits = b"".join(text.split()[2:])
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return None


def _resolution(x: int, y: int, unit: int) -> Resolution | None:
    if not x or not y:
        return None
    return Resolution(x * _INCH, y * _INCH) if unit == 1 else Resolution(x, y, per_inch=False)


def _density(resolution: Resolution) -> bytes:
    factor = 1 / _INCH if resolution.per_inch else 1
    x, y = (max(1, min(round(value * factor), 2**31 - 1)) for value in (resolution.x, resolution.y))
    return struct.pack(">IIB", x, y, resolution.per_inch)

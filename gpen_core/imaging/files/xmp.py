"""XMP packets: made true for the picture that is written, and texts that a file has no other place for.

Packets are changed as text, by the forms in which writers put these properties: what else is in one keeps its very bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from xml.sax.saxutils import escape

from .picture import Text

_TEXTS = "https://www.w3.org/TR/png/#11textinfo"
_OURS = re.compile(
    rf'\s*<rdf:Description rdf:about="" xmlns:png="{re.escape(_TEXTS)}">(.*?)</rdf:Description>', re.DOTALL
)
_ITEM = re.compile(r'<rdf:li rdf:parseType="Resource">(.*?)</rdf:li>', re.DOTALL)
_FIELDS = ("keyword", "text", "language", "translated")
_END = "</rdf:RDF>"
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
)
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_THUMBNAILS = re.compile(r"\s*<(xmp|xap):Thumbnails\b.*?</\1:Thumbnails\s*>", re.DOTALL)
# What phones put behind a JPEG's picture, and announce in its packet: it stays there, and the announcement would not be true.
_GAIN_MAP = "its HDR gain map"
_BEHIND = {
    _GAIN_MAP: ("hdrgm", r"\w+"),
    "its short video": ("GCamera|Camera", r"(?:MotionPhoto|MicroVideo)\w*"),
}
_DIRECTORY = re.compile(r"\s*<(Container|GContainer):Directory\b.*?</\1:Directory\s*>", re.DOTALL)
_SIZES = (
    ("tiff:ImageWidth", 0), ("tiff:ImageLength", 1), ("exif:PixelXDimension", 0), ("exif:PixelYDimension", 1),
)  # fmt: skip


def made_true(packet: bytes, width: int, height: int) -> bytes:
    """With this size and an upright orientation wherever the packet states one, without small copies of the old picture."""
    text = _decoded(packet)
    if text is None:
        return packet
    new = _THUMBNAILS.sub("", text)
    for name, value in (("tiff:Orientation", 1), *((name, (width, height)[axis]) for name, axis in _SIZES)):
        new = re.sub(rf"(\b{name}\s*=\s*)([\"'])[^\"']*\2", rf"\g<1>\g<2>{value}\g<2>", new)
        new = re.sub(rf"(<{name}>)[^<]*(</{name}>)", rf"\g<1>{value}\g<2>", new)
    return packet if new == text else new.encode()


def without_what_is_behind(packet: bytes) -> tuple[bytes, list[str]]:
    """The packet without what it says of images and videos behind the picture; and which these are, in words."""
    old = text = _decoded(packet) or ""
    found = []
    for what, (prefix, names) in _BEHIND.items():
        attribute = rf"\s+(?:{prefix}):{names}\s*=\s*([\"']).*?\1"
        element = rf"\s*<((?:{prefix}):{names})\b[^>]*?(?:/>|>.*?</\1\s*>)"
        new = re.sub(element, "", re.sub(attribute, "", text, flags=re.DOTALL), flags=re.DOTALL)
        if new != text:
            found.append(what)
        text = new
    if found:
        text = _DIRECTORY.sub("", text)
    return (packet if text == old else text.encode()), found


def images_announced(packet: bytes | None) -> int:
    """How many of the images behind the picture are those that ``without_what_is_behind`` names."""
    return int(packet is not None and _GAIN_MAP in without_what_is_behind(packet)[1])


def with_texts(packet: bytes | None, texts: Sequence[Text]) -> tuple[bytes | None, list[Text]]:
    """A packet that holds the texts, too; and those that it cannot hold."""
    held = [text for text in texts if not _NO_XML.search("".join(_values(text)))]
    old = _decoded(packet) if packet else _EMPTY
    if old is None or _END not in old:
        return packet, list(texts)
    if not held:
        return packet, list(texts)
    items = "".join(f'<rdf:li rdf:parseType="Resource">{_fields(text)}</rdf:li>' for text in held)
    ours = f"<png:texts><rdf:Seq>{items}</rdf:Seq></png:texts>"
    ours = f'<rdf:Description rdf:about="" xmlns:png="{_TEXTS}">{ours}</rdf:Description>'
    at = old.rindex(_END)
    return (old[:at] + ours + old[at:]).encode(), [text for text in texts if text not in held]


def without_texts(packet: bytes) -> tuple[bytes | None, tuple[Text, ...]]:
    """The other way: a packet without those texts (None where nothing else is in it), and the texts."""
    text = _decoded(packet)
    ours = _OURS.search(text) if text else None
    if text is None or ours is None:
        return packet, ()
    found = tuple(_text(item) for item in _ITEM.findall(ours[1]))
    rest = text[: ours.start()] + text[ours.end() :]
    return (None if rest == _EMPTY else rest.encode()), found


def joined(packet: bytes, more: bytes) -> bytes:
    """A packet and its extension, which JPEG files keep apart where both together are too long for a segment."""
    first, second = _decoded(packet), _decoded(more)
    if first is None or second is None:
        return packet
    first = re.sub(r"\s*xmpNote:HasExtendedXMP\s*=\s*([\"']).*?\1", "", first)
    first = re.sub(r"\s*<xmpNote:HasExtendedXMP>.*?</xmpNote:HasExtendedXMP>", "", first)
    inner = re.search(r"<rdf:RDF\b[^>]*>(.*)</rdf:RDF>", second, re.DOTALL)
    if _END not in first or inner is None:
        return packet
    at = first.rindex(_END)
    return (first[:at] + inner[1] + first[at:]).encode()


def _values(text: Text) -> tuple[str, ...]:
    return text.keyword, text.value, text.language, text.translated


def _fields(text: Text) -> str:
    found = zip(_FIELDS, _values(text), strict=True)
    return "".join(f"<png:{name}>{escape(value, {chr(13): '&#13;'})}</png:{name}>" for name, value in found if value)


def _text(item: str) -> Text:
    found = {name: re.search(f"<png:{name}>(.*?)</png:{name}>", item, re.DOTALL) for name in _FIELDS}
    return Text(*(unescape(match[1]) if match else "" for match in found.values()))


def _decoded(packet: bytes) -> str | None:
    try:
        return packet.decode()
    except UnicodeDecodeError:
        return None

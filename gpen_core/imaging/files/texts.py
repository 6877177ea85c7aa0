"""Texts of PNG files in files that know no keywords: where the tools that wrote them look for them there, or in XMP."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from .exif import MAKE, MODEL, USER_COMMENT, user_comment
from .ifd import ASCII, EXIF, UNDEFINED, Block, Entry, text_entry
from .picture import Known, Text
from .xmp import with_texts, without_texts

# ComfyUI writes its graph into WebP files as the camera's names, and its page reads it from there.
_GRAPHS = {"prompt": MODEL, "workflow": MAKE}
_PARAMETERS = "parameters"  # of image generators after Automatic1111's: the user comment of JPEG and WebP files
COMMENT = "Comment"
_UNICODE = b"UNICODE\0"
_OF_AN_ENTRY = 32  # bytes beside its data, and beside those of a directory that there was not yet


def decoded(data: bytes) -> str:
    """UTF-8, as most programs write wherever a specification says Latin-1; else that."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def comment_in(data: bytes) -> tuple[Text, ...]:
    """What a file that has no keywords says in its comment."""
    text = decoded(data).rstrip("\0")
    return (Text(COMMENT, text),) if text else ()


def hidden_texts(block: Block, known: Known) -> tuple[Block, Known]:
    """Texts out of EXIF and XMP, back under their keywords."""
    texts, main = list(known.texts), dict(block.main)
    for keyword, tag in _GRAPHS.items():
        value = _ascii(main.get(tag))
        if value.startswith(f"{keyword}:"):
            texts.append(Text(keyword, value.removeprefix(f"{keyword}:")))
            del main[tag]
    parts = dict(block.parts)
    comment = user_comment(block)
    if comment is not None and "Steps: " in comment:
        texts.append(Text(_PARAMETERS, comment))
        parts[EXIF] = {tag: value for tag, value in parts[EXIF].items() if tag != USER_COMMENT}
    xmp, ours = without_texts(known.xmp) if known.xmp else (None, ())
    return replace(block, main=main, parts=parts), replace(known, texts=(*texts, *ours), xmp=xmp)


def hide_texts(block: Block, known: Known, room: float = inf) -> tuple[Block, Known, list[Text]]:
    """The other way; and the texts for which there is no place. What is longer than ``room`` bytes of EXIF is for XMP."""
    main, parts, rest = dict(block.main), dict(block.parts), list[Text]()
    exif = dict(parts.get(EXIF, {}))
    for text in known.texts:
        tag, place, hidden = _GRAPHS.get(text.keyword), main, None
        if tag is not None and "\0" not in text.value:
            hidden = text_entry(f"{text.keyword}:{text.value}")
        elif text.keyword == _PARAMETERS and "Steps: " in text.value:
            data = _UNICODE + text.value.encode("utf-16-be", "replace")
            tag, place, hidden = USER_COMMENT, exif, Entry(UNDEFINED, len(data), data)
        if tag is None or hidden is None or tag in place or len(hidden.data) + _OF_AN_ENTRY > room:
            rest.append(text)
            continue
        place[tag] = hidden
        room -= len(hidden.data) + _OF_AN_ENTRY
    xmp, lost = with_texts(known.xmp, rest) if rest else (known.xmp, [])
    return Block(block.order, main, {**parts, EXIF: exif}), replace(known, xmp=xmp, texts=()), lost


def _ascii(value: Entry | None) -> str:
    return decoded(value.data.rstrip(b"\0")) if value is not None and value.kind == ASCII else ""

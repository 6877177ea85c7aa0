"""Write image files, with all that the picture's file knew and the new one can hold."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ImageError
from ...files import written_whole
from ...polling import interruptible
from ..spaces import ProfileError, are_alike, space_of_profile
from . import xmp
from .exif import CHANGED, about_the_picture, fitted, made_true, read_exif, with_resolution
from .formats import FORMATS, WRITABLE
from .ifd import ASCII, Block, Entry, write_block
from .jpeg_segments import LARGEST, icc_segments, jpeg_segments
from .limits import is_large, make_room
from .picture import Known, Metadata, Picture, Text
from .png import write_png
from .png_chunks import png_chunks
from .rows import InkRows, PictureRows
from .texts import COMMENT, hide_texts
from .tiff_writing import own_tags, write_tiff
from .webp_alpha import alpha_chunk
from .webp_chunks import pixels_of_webp, write_webp

_QUALITY = 95
_HAVE_ALPHA, _ARE_DEEP = ("PNG", "WEBP", "TIFF"), ("PNG", "TIFF")
_HAVE_INKS, _CALLED = {"CMYK": ("JPEG", "TIFF"), "LAB": ("TIFF",)}, {"CMYK": "CMYK", "LAB": "Lab"}
# Of WebP's encoder: over 2, it holds all that it will write as tokens, 5 bytes a pixel of a photograph and 14 of mere grain.
# Without them a large file is no larger, and 0.5 to 0.9 dB coarser, of 45.
_METHOD, _METHOD_OF_LARGE = 4, 2
_LARGEST_SIDE = {"JPEG": 65535, "WEBP": 16383}
_EXIF_PREFIX, _RESOLUTION = 6, 80  # bytes, of which the second are the most that it adds to EXIF


@dataclass
class _Target:
    """A file that is written: ``lost`` is what it cannot hold, in words."""

    path: Path
    format: str
    picture: Picture
    block: Block
    known: Known
    quality: int
    lost: list[str] = field(default_factory=list)

    def exif(self) -> bytes | None:
        return None if self.block.is_empty() else write_block(self.block)


def save_picture(picture: Picture, path: str | Path, quality: int | None = None) -> tuple[str, ...]:
    """Write an image file in the format given by its extension. The file is replaced atomically.

    Args:
        picture: Alpha is blended onto white if the format doesn't support it; 16 bits are kept in PNG and TIFF, floating
            point in TIFF.
        path: The file; missing folders are created.
        quality: Of JPEG and WebP, 1 … 100; None: 95. Other formats lose nothing.

    Returns:
        What the file cannot hold of what the picture's file knew, in words; empty where nothing is lost.

    Raises:
        ImageError: The file cannot be written.
    """
    path = Path(path)
    file_format = FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise ImageError(f"{path.name}: cannot write '{path.suffix}' files. Choose one of {', '.join(WRITABLE)}.")
    check_side(path, (int(picture.numbers.shape[2]), int(picture.numbers.shape[1])))
    target = _target(path, file_format, picture, _QUALITY if quality is None else quality)
    make_room(picture.numbers)
    try:
        with written_whole(path) as temporary:
            _WRITERS[file_format](target, temporary)
    except ImageError:
        raise
    except Exception as error:  # encoders raise almost anything
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        raise ImageError(f"{path}: cannot be written ({reason}).") from error
    return tuple(target.lost)


def check_side(path: Path, size: tuple[int, int]) -> None:
    """Raise ImageError where the format of this name has no pictures of this size (width, height)."""
    largest = _LARGEST_SIDE.get(FORMATS.get(path.suffix.lower(), ""))
    if largest is not None and max(size) > largest:
        raise ImageError(
            f"{path.name}: {size[0]}×{size[1]} pixels are too many for this format, whose sides have at most {largest}. "
            "Write a PNG or TIFF file."
        )


def _target(path: Path, file_format: str, picture: Picture, quality: int) -> _Target:
    lost = []
    if file_format != "PNG" and picture.known.png_color and not _profile_says_the_same(picture):
        if picture.space is not None:
            lost.append("its description of colors (they were converted to sRGB)")
        picture = picture.in_srgb()
    if picture.inks is not None and file_format not in _HAVE_INKS.get(picture.inks, ()):
        lost.append(f"{_CALLED[picture.inks]} colors (they were converted to sRGB)")
        picture = picture.in_srgb()
    height, width = picture.numbers.shape[1:]
    block = (read_exif(picture.exif) if picture.exif else None) or Block()
    block = made_true(about_the_picture(block)[0], width, height)
    known = picture.known
    if known.xmp:
        known = replace(known, xmp=xmp.made_true(known.xmp, width, height))
    if known.changed and file_format != "PNG":
        block, known = _with_time(block, known.changed), replace(known, changed=None)
    if picture.has_alpha and file_format not in _HAVE_ALPHA:
        lost.append("transparency (it was blended onto white)")
    if picture.bits > 8 and file_format not in _ARE_DEEP:
        lost.append(f"{picture.bits} bits per channel (reduced to 8)")
    elif picture.floating and file_format != "TIFF":
        lost.append("floating-point numbers (rounded to 16 bits)")
    return _Target(path, file_format, picture, block, known, quality, lost)


def _profile_says_the_same(picture: Picture) -> bool:
    """Whether a PNG file has a profile beside the description of its colors, and those are its colors, too."""
    try:
        return picture.icc is not None and are_alike(picture.space, space_of_profile(picture.icc, gray=picture.gray))
    except ProfileError:
        return False


def _png(target: _Target, path: Path) -> None:
    picture = target.picture
    deep = picture.bits > 8
    rows = PictureRows(picture.numbers.cpu(), np.dtype(np.uint16 if deep else np.uint8), gray=picture.gray)
    block = target.block
    if target.known.resolution is not None and _states_resolution(block):
        block = replace(block, main=with_resolution(block.main, target.known.resolution, block.order))
    exif = None if block.is_empty() else write_block(block)
    chunks, lost = png_chunks(target.known, picture.icc, exif)
    target.lost += _named(lost)
    with path.open("wb") as file:
        write_png(file, rows, chunks)


def _jpeg(target: _Target, path: Path) -> None:
    picture, known = target.picture, target.known
    comments = tuple(text for text in known.texts if text.keyword == COMMENT and not text.language)
    others = replace(known, texts=tuple(text for text in known.texts if text not in comments))
    room = LARGEST - _EXIF_PREFIX - len(target.exif() or b"") - _RESOLUTION
    block, known, lost = hide_texts(target.block, others, room)
    target.lost += _named(lost)
    options = {}
    if known.resolution is not None:
        if known.resolution.per_inch:
            options["dpi"] = (round(known.resolution.x), round(known.resolution.y))
        block = replace(block, main=with_resolution(block.main, known.resolution, block.order))
    exif, left_out = (None, []) if block.is_empty() else fitted(block, LARGEST - _EXIF_PREFIX)
    segments, more = jpeg_segments(replace(known, texts=comments), exif)
    target.lost += [*left_out, *more]
    rows = _rows(picture, np.dtype(np.uint8), on_white=True)
    profile = icc_segments(picture.icc) if picture.icc else b""
    extra = segments + profile
    path.write_bytes(_encoded(rows, "JPEG", quality=target.quality, subsampling=0, extra=extra, **options))


def _all_in_exif(target: _Target) -> tuple[Block, Known]:
    """For formats that have no place of their own for texts and resolution: EXIF with them, and what is left."""
    block, known, lost = hide_texts(target.block, target.known)
    target.lost += _named(lost)
    if known.resolution is not None:
        block = replace(block, main=with_resolution(block.main, known.resolution, block.order))
    return block, known


def _webp(target: _Target, path: Path) -> None:
    picture = target.picture
    block, known = _all_in_exif(target)
    if known.iptc:
        target.lost.append("IPTC data")
    exif = None if block.is_empty() else write_block(block)
    rows = PictureRows(picture.numbers.cpu(), np.dtype(np.uint8))
    if is_large(picture.numbers) and picture.has_alpha:
        _large_webp_with_alpha(rows, path, target.quality, Metadata(picture.icc, exif, known))
        return
    found = {"icc_profile": picture.icc, "exif": exif, "xmp": known.xmp}
    given = {name: value for name, value in found.items() if value}
    method = _METHOD_OF_LARGE if is_large(picture.numbers) else _METHOD
    path.write_bytes(_encoded(rows, "WEBP", quality=target.quality, method=method, **given))


def _large_webp_with_alpha(rows: PictureRows, path: Path, quality: int, others: Metadata) -> None:
    """Colors by Pillow's encoder, alpha by ours, which takes no memory to speak of."""
    height, width, _ = rows.shape
    pixels = pixels_of_webp(_encoded(rows.seen(), "WEBP", quality=quality, method=_METHOD_OF_LARGE))
    with path.open("wb") as file:
        write_webp(file, (width, height), pixels, alpha_chunk(rows.alpha, (width, height)), others)


def _tiff(target: _Target, path: Path) -> None:
    picture = target.picture
    block, known = _all_in_exif(target)
    kind = f"f{picture.bits // 8}" if picture.floating else f"u{min(picture.bits, 16) // 8}"
    rows = _rows(picture, np.dtype(kind))
    with path.open("wb") as file:
        write_tiff(file, rows, block, own_tags(known.xmp, known.iptc, picture.icc), picture.inks or "RGB")


def _encoded(rows: PictureRows, file_format: str, **options: Any) -> bytes:
    """By Pillow's encoder, which takes seconds for a large picture, in one go."""
    image, file = rows.image(), io.BytesIO()
    interruptible(partial(image.save, file, format=file_format, **options))
    return file.getvalue()


def _rows(picture: Picture, dtype: np.dtype, *, on_white: bool = False) -> PictureRows:
    if picture.inks is not None:
        return InkRows(picture.numbers.cpu(), picture.inks)
    return PictureRows(picture.numbers.cpu(), dtype, gray=picture.gray, on_white=on_white)


def _states_resolution(block: Block) -> bool:
    return 282 in block.main


def _with_time(block: Block, changed: bytes) -> Block:
    """PNG's time of the last change as EXIF's, where that is not stated yet."""
    if CHANGED in block.main:
        return block
    year, rest = int.from_bytes(changed[:2], "big"), changed[2:]
    text = f"{year:04d}:{rest[0]:02d}:{rest[1]:02d} {rest[2]:02d}:{rest[3]:02d}:{rest[4]:02d}\0".encode()
    return replace(block, main={**block.main, CHANGED: Entry(ASCII, len(text), text)})


def _named(texts: list[Text]) -> list[str]:
    return [f"the text '{text.keyword[:40]}'" for text in texts]


_WRITERS = {"PNG": _png, "JPEG": _jpeg, "WEBP": _webp, "TIFF": _tiff}

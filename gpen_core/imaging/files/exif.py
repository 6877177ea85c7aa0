"""EXIF data: read, made true for the picture that is written, and reduced to what a file can hold."""

from __future__ import annotations

import io
from dataclasses import replace

from .ifd import (
    ASCII,
    EXIF,
    INTEROPERABILITY,
    LONG,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Block,
    Directory,
    Reader,
    entry,
    write_block,
)
from .picture import Resolution

PREFIX = b"Exif\0\0"
ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, CHANGED = 274, 282, 283, 296, 306
MODEL, MAKE, USER_COMMENT = 272, 271, 37510
_WIDTH, _HEIGHT, _PIXEL_X, _PIXEL_Y, _RELATED_X, _RELATED_Y = 256, 257, 40962, 40963, 4097, 4098
_MAKER_NOTE = 37500
_ABOUT_THE_LAYOUT = {  # of a file's pixels, not of the picture
    254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291, 292, 293, 297,
    301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 332, 334, 336, 338, 339, 340, 341, 342, 343, 344, 345,
    346, 347, 351, 400, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 559,
}  # fmt: skip
ELSEWHERE = {700, 33723, 34377, 34675}  # XMP, IPTC, Photoshop's resources, the profile: files keep them by themselves
_OLD_PICTURES = {37724, 50255, 46275}  # Photoshop's layers and annotations
_RAW = range(50706, 51200)  # DNG's own tags: how a raw file is developed, and its previews
_JPEG_BEGINS = b"\xff\xd8\xff"
_UNITS = {1: 0.0, 2: 1.0, 3: 2.54}  # of the resolution: none, inch, centimeter


def read_exif(data: bytes) -> Block | None:
    """A block with or without its prefix; None where it is none."""
    try:
        return Reader(io.BytesIO(data.removeprefix(PREFIX))).block()
    except ValueError:
        return None


def about_the_picture(block: Block, *, of_tiff: bool = False) -> tuple[Block, list[str]]:
    """The block without what describes the file's own layout or shows the picture as it was; and what is lost by that.

    Args:
        block: As read.
        of_tiff: It is the directory of a TIFF file's pixels.
    """
    drop = ELSEWHERE | _OLD_PICTURES | set(_RAW) | (_ABOUT_THE_LAYOUT if of_tiff else {273, 279, 330, 513, 514})
    main = {tag: value for tag, value in block.main.items() if tag not in drop}
    exif, lost = dict(block.parts.get(EXIF, {})), []
    if _MAKER_NOTE in exif and _JPEG_BEGINS in exif[_MAKER_NOTE].data:
        del exif[_MAKER_NOTE]
        lost.append("the camera's maker note, which holds a small copy of the unrestored image")
    if ORIENTATION in main:
        main[ORIENTATION] = entry(SHORT, 1, order=block.order)
    return replace(block, main=main, parts={**block.parts, EXIF: exif}), lost


def orientation_of(block: Block) -> int:
    """1 … 8 (TIFF 6.0, tag 274); what is none of these is 1."""
    value = block.main.get(ORIENTATION)
    numbers = () if value is None else value.numbers(block.order)
    return int(numbers[0]) if numbers and numbers[0] in range(1, 9) else 1


def made_true(block: Block, width: int, height: int) -> Block:
    """With this size wherever the block states one."""
    sizes = {_WIDTH: width, _HEIGHT: height, _PIXEL_X: width, _PIXEL_Y: height, _RELATED_X: width, _RELATED_Y: height}

    def stated(directory: Directory, tags: tuple[int, ...]) -> Directory:
        new = {tag: entry(LONG, sizes[tag], order=block.order) for tag in tags if tag in directory}
        return {**directory, **new}

    parts = dict(block.parts)
    parts[EXIF] = stated(parts.get(EXIF, {}), (_PIXEL_X, _PIXEL_Y))
    parts[INTEROPERABILITY] = stated(parts.get(INTEROPERABILITY, {}), (_RELATED_X, _RELATED_Y))
    return Block(block.order, stated(block.main, (_WIDTH, _HEIGHT)), parts)


def is_adobe_rgb(block: Block) -> bool:
    """Whether a camera says so, in the words of DCF 2.0: uncalibrated, and interoperability R03."""
    space, index = block.parts.get(EXIF, {}).get(40961), block.parts.get(INTEROPERABILITY, {}).get(1)
    uncalibrated = space is not None and space.numbers(block.order)[:1] in ((0xFFFF,), (2,))
    return uncalibrated and index is not None and index.data.startswith(b"R03")


def resolution_of(block: Block) -> Resolution | None:
    """What the block says of it, if that can be one."""
    found = [block.main.get(tag) for tag in (X_RESOLUTION, Y_RESOLUTION)]
    x, y = (value.numbers(block.order)[:1] if value else () for value in found)
    unit = block.main.get(RESOLUTION_UNIT)
    factor = _UNITS.get(int(next(iter(unit.numbers(block.order) if unit else ()), 2)), 1.0)
    if not x or not y or x[0] <= 0 or y[0] <= 0 or (not factor and x == y):
        return None
    return Resolution(x[0] * (factor or 1), y[0] * (factor or 1), factor > 0)


def with_resolution(main: Directory, resolution: Resolution, order: str) -> Directory:
    """A directory with this resolution."""
    x, y = (fraction(value) for value in (resolution.x, resolution.y))
    return {
        **main,
        X_RESOLUTION: entry(RATIONAL, *x, order=order),
        Y_RESOLUTION: entry(RATIONAL, *y, order=order),
        RESOLUTION_UNIT: entry(SHORT, 2 if resolution.per_inch else 1, order=order),
    }


def fraction(value: float) -> tuple[int, int]:
    """Numerator and denominator, 32 bits each; PNG's 11811 pixels per meter are 300 per inch."""
    if abs(value - round(value)) < 0.005:
        return max(1, round(value)), 1
    return max(1, min(round(value * 10000), 2**32 - 1)), 10000


def fitted(block: Block, most: int) -> tuple[bytes, list[str]]:
    """The block in at most this many bytes, without its largest values where needed; and what was left out, in words."""
    lost: list[str] = []
    while len(data := write_block(block)) > most:
        name, tag, size = max(
            ((name, tag, len(value.data)) for name, part in _directories(block) for tag, value in part.items()),
            key=lambda found: found[2],
        )
        block = _without(block, name, tag)
        lost.append(f"EXIF's {name_of(tag)} ({size / 1000:.0f} kB)")
    return data, lost


def _directories(block: Block) -> list[tuple[int, Directory]]:
    return [(0, block.main), *block.parts.items()]


def _without(block: Block, part: int, tag: int) -> Block:
    def less(directory: Directory) -> Directory:
        return {other: value for other, value in directory.items() if other != tag}

    if part == 0:
        return replace(block, main=less(block.main))
    return replace(block, parts={**block.parts, part: less(block.parts[part])})


def name_of(tag: int) -> str:
    """A tag's name, as EXIF's standard has it."""
    from PIL.ExifTags import TAGS

    return TAGS.get(tag, f"tag {tag}")


def user_comment(block: Block) -> str | None:
    """EXIF's comment as a text; None without one, or in an encoding that nobody can know."""
    value = block.parts.get(EXIF, {}).get(USER_COMMENT)
    if value is None or value.kind not in (UNDEFINED, ASCII):
        return None
    code, data = value.data[:8], value.data[8:]
    if code == b"ASCII\0\0\0":
        return data.decode("utf-8", "replace").rstrip("\0") or None
    if code == b"UNICODE\0":
        return _utf16(data, block.order).rstrip("\0") or None
    return None


def _utf16(data: bytes, order: str) -> str:
    """In the block's byte order, says the standard; in big-endian, say many programs. A text has few characters U+xx00."""
    data = data[: len(data) // 2 * 2]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    big = data[0::2].count(0) - data[1::2].count(0)
    is_big = big > 0 if big else order == ">"
    return data.decode("utf-16-be" if is_big else "utf-16-le", "replace")

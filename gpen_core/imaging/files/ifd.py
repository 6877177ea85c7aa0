"""The directories of tags that a TIFF file and an EXIF block consist of (TIFF 6.0, EXIF 2.32), as raw values.

A value that nobody changes keeps its very bytes, whatever its writer thought of its type.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
BYTES, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
_MOST_ENTRIES, _LARGEST = 4096, 1 << 28
_MOST_PAGES = 4096


@dataclass(frozen=True)
class Entry:
    """A tag's value: the ``kind`` is TIFF's number of the type, ``data`` are ``count`` of it in the block's byte order."""

    kind: int
    count: int
    data: bytes

    def numbers(self, order: str) -> tuple[float, ...]:
        """The value as numbers; fractions are divided, and nothing is found in bytes without a meaning."""
        if self.kind in (5, 10):
            halves = struct.unpack(f"{order}{2 * self.count}{'I' if self.kind == RATIONAL else 'i'}", self.data)
            return tuple(a / b if b else 0.0 for a, b in zip(halves[::2], halves[1::2], strict=True))
        code = _CODES.get(self.kind)
        return () if code is None else struct.unpack(f"{order}{self.count}{code}", self.data)


Directory = dict[int, Entry]


@dataclass
class Block:
    """What an EXIF block holds.

    Attributes:
        order: "<" or ">", of its numbers.
        main: The tags of the first directory.
        parts: The directories below it, by the tag that points there: EXIF, GPS, INTEROPERABILITY.
    """

    order: str = "<"
    main: Directory = field(default_factory=dict)
    parts: dict[int, Directory] = field(default_factory=dict)

    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not self.main and not any(self.parts.values())


def entry(kind: int, *values: int, order: str = "<") -> Entry:
    """A value of whole numbers; of a fraction, numerator and denominator."""
    code = "I" if kind == RATIONAL else _CODES[kind]
    return Entry(
        kind, len(values) // (2 if kind == RATIONAL else 1), struct.pack(f"{order}{len(values)}{code}", *values)
    )


def text_entry(text: str) -> Entry:
    """A text with the zero that ends it."""
    data = text.encode("utf-8", "replace") + b"\0"
    return Entry(ASCII, len(data), data)


class Reader:
    """Reads the directories of a TIFF file or an EXIF block; what lies outside of the file is left out.

    Raises ValueError where the file does not begin as one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._length = file.seek(0, 2)
        head = self._at(0, 16)
        orders = {b"II": "<", b"MM": ">"}
        if head[:2] not in orders:
            raise ValueError("no TIFF header")
        self.order = orders[head[:2]]
        self.big = self._number("H", head[2:4]) == 43
        if not self.big and self._number("H", head[2:4]) not in (42, 0x4F52, 0x5352):
            raise ValueError("no TIFF header")
        self._first = self._number("Q", head[8:16]) if self.big else self._number("I", head[4:8])

    def block(self) -> Block:
        """The first directory and those below it."""
        return self.block_of(next(iter(self.pages()), {}))

    def block_of(self, main: Directory) -> Block:
        """A page's directory and those below it."""
        parts = {}
        for tag in (EXIF, GPS):
            parts[tag] = self._below(main.get(tag))
        parts[INTEROPERABILITY] = self._below(parts[EXIF].pop(INTEROPERABILITY, None))
        return Block(self.order, {tag: value for tag, value in main.items() if tag not in (EXIF, GPS)}, parts)

    def pages(self) -> Iterator[Directory]:
        """The directories of all pages, in their order."""
        offset, seen = self._first, set[int]()
        while offset and offset not in seen and len(seen) < _MOST_PAGES:
            seen.add(offset)
            page, offset = self._directory(offset)
            if page:
                yield page

    def _below(self, pointer: Entry | None) -> Directory:
        numbers = () if pointer is None else pointer.numbers(self.order)
        return self._directory(int(numbers[0]))[0] if numbers else {}

    def _directory(self, offset: int) -> tuple[Directory, int]:
        count_size, entry_size, count_code = (8, 20, "Q") if self.big else (2, 12, "H")
        count = self._number(count_code, self._at(offset, count_size))
        found: Directory = {}
        if count > _MOST_ENTRIES:
            return found, 0
        rows = self._at(offset + count_size, count * entry_size)
        for begin in range(0, len(rows) - entry_size + 1, entry_size):
            tag, kind = struct.unpack(f"{self.order}HH", rows[begin : begin + 4])
            value = self._value(kind, rows[begin + 4 : begin + entry_size])
            if value is not None:
                found.setdefault(tag, value)
        after = self._at(offset + count_size + count * entry_size, 8 if self.big else 4)
        return found, self._number("Q" if self.big else "I", after)

    def _value(self, kind: int, rest: bytes) -> Entry | None:
        """``rest``: how many there are, and the value itself or where it lies."""
        code, half = ("Q", 8) if self.big else ("I", 4)
        count, size = self._number(code, rest[:half]), SIZES.get(kind, 0)
        if not size or not 0 < count * size <= min(self._length, _LARGEST):
            return None
        data = rest[half : half + count * size]
        if count * size > half:
            data = self._at(self._number(code, rest[half:]), count * size)
        return Entry(kind, count, data) if len(data) == count * size else None

    def _at(self, offset: int, length: int) -> bytes:
        if offset > self._length:
            return b""
        self._file.seek(offset)
        return self._file.read(length)

    def _number(self, code: str, data: bytes) -> int:
        return struct.unpack(self.order + code, data)[0] if len(data) == struct.calcsize("<" + code) else 0


def write_block(block: Block) -> bytes:
    """An EXIF block without prefix."""
    head = (b"II*\0" if block.order == "<" else b"MM\0*") + struct.pack(f"{block.order}I", 8)
    return head + directories(block, 8)


def directories(block: Block, start: int) -> bytes:
    """The block's directories as bytes that begin at ``start`` of their file; the first directory comes first."""
    main, exif, gps, below = (
        dict(part) for part in (block.main, *(block.parts.get(tag, {}) for tag in (EXIF, GPS, INTEROPERABILITY)))
    )
    if below:
        exif[INTEROPERABILITY] = entry(LONG, 0, order=block.order)
    main.update({tag: entry(LONG, 0, order=block.order) for tag, part in ((EXIF, exif), (GPS, gps)) if part})
    place, written = start + _length(main), b""
    for holder, tag, part in ((main, EXIF, exif), (exif, INTEROPERABILITY, below), (main, GPS, gps)):
        if part:  # its own pointer is as long before as after it is known
            holder[tag] = entry(LONG, place, order=block.order)
            place += _length(part)
    place = start + _length(main)
    for part in (exif, below, gps):
        if part:
            written += _bytes(part, place, block.order)
            place += _length(part)
    return _bytes(main, start, block.order) + written


def _length(directory: Directory) -> int:
    """Of a directory with its values."""
    return 6 + 12 * len(directory) + sum(_even(len(value.data)) for value in directory.values() if len(value.data) > 4)


def _bytes(directory: Directory, start: int, order: str) -> bytes:
    rows, values = [struct.pack(f"{order}H", len(directory))], []
    place = start + 6 + 12 * len(directory)
    for tag, value in sorted(directory.items()):
        if len(value.data) <= 4:
            last = value.data.ljust(4, b"\0")
        else:
            last = struct.pack(f"{order}I", place)
            values.append(value.data.ljust(_even(len(value.data)), b"\0"))
            place += len(values[-1])
        rows.append(struct.pack(f"{order}HHI", tag, value.kind, value.count) + last)
    return b"".join((*rows, bytes(4), *values))


def _even(length: int) -> int:
    return length + length % 2

"""Protobuf's wire format (https://protobuf.dev/programming-guides/encoding/): numbered fields, one after the other."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..malformed import Malformed

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Value = int | memoryview  # of FIXED32 and FIXED64, the bytes
_LONGEST_VARINT = 10  # bytes
_LONGEST_NUMBERS = 1 << 22  # of one list that is written number by number: shapes, axes, pads


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Each field's number and value. Raises Malformed."""
    place, end = 0, len(message)
    while place < end:
        key, place = varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = varint(message, place)
            yield number, value
            continue
        if kind == BYTES:
            length, place = varint(message, place)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise Malformed(f"a field of unknown kind {kind}")
        if length > end - place:
            raise Malformed("a field is longer than what holds it")
        yield number, message[place : place + length]
        place += length


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """The unsigned number at ``place``, and where it ends. Raises Malformed."""
    number = 0
    for index in range(_LONGEST_VARINT):
        if place + index >= len(message):
            raise Malformed("it ends within a number")
        byte = message[place + index]
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number & (1 << 64) - 1, place + index + 1
    raise Malformed("a number without an end")


def signed(number: int) -> int:
    """An int64 as it is written: in two's complement."""
    return number - (1 << 64) if number >> 63 else number


def as_int(value: Value) -> int:
    """A signed whole number. Raises Malformed for a field of another kind."""
    if not isinstance(value, int):
        raise Malformed("bytes in the place of a number")
    return signed(value)


def as_bytes(value: Value) -> memoryview:
    """The bytes of a text, a message or a list. Raises Malformed for a number."""
    if isinstance(value, int):
        raise Malformed("a number in the place of bytes")
    return value


def as_text(value: Value, longest: int = 1 << 16) -> str:
    """A text. Raises Malformed for one that is too long or not UTF-8."""
    raw = as_bytes(value)
    if len(raw) > longest:
        raise Malformed(f"a text of {len(raw):,} bytes")
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise Malformed("a text that is not UTF-8") from error


def as_float(value: Value) -> float:
    """A float32. Raises Malformed."""
    raw = as_bytes(value)
    if len(raw) != 4:
        raise Malformed("a float that is not four bytes long")
    return float(struct.unpack("<f", raw)[0])


def ints_of(value: Value) -> list[int]:
    """What one field adds to a repeated number: one, or many that are packed. Raises Malformed."""
    if isinstance(value, int):
        return [signed(value)]
    if len(value) > _LONGEST_NUMBERS:
        raise Malformed(f"a list of numbers of {len(value):,} bytes")
    numbers, place = [], 0
    while place < len(value):
        number, place = varint(value, place)
        numbers.append(signed(number))
    return numbers

"""Where in a zip of torch.save's its entries lie: by one directory, which is compared with what stands before each entry."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..malformed import Malformed, Refused

_END = struct.Struct("<4s4H2LH")  # signature, disks, entries here and in all, directory's size and place, comment
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_LISTED = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MOST_ENTRIES = 1 << 16
_LARGEST_DIRECTORY = 16 << 20
_IN_ZIP64 = 0xFFFFFFFF
_SIZES_FOLLOW = 1 << 3  # flag: sizes stand behind the entry
_ENCRYPTED = 1 | 1 << 6 | 1 << 13  # flags


@dataclass(frozen=True)
class Block:
    """A piece of a file, in bytes from its beginning."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size


@dataclass(frozen=True)
class _Entry:
    name: bytes
    flags: int
    method: int
    packed: int
    size: int
    header: int  # where what stands before it begins


def entries_of(file: mmap.mmap, look_at: Callable[[Iterable[str]], None] = lambda names: None) -> dict[str, Block]:
    """The entries of a zip archive whose entries are not compressed, by their names.

    Args:
        file: The archive.
        look_at: Gets all names first, and may raise Refused for what they tell.

    Raises:
        Malformed: The directory is not exactly at the end, or contradicts what stands before the entries.
        Refused: An entry is compressed or encrypted, or the archive is larger than any checkpoint's.
    """
    place, size, count = _directory(file)
    entries = list(_listed(file, place, size, count))
    look_at(entry.name.decode("utf-8", "replace") for entry in entries)
    _check_packing(entries)
    blocks, end_of_last = {}, 0
    for entry in sorted(entries, key=lambda entry: entry.header):
        block = _contents(file, entry)
        if entry.header < end_of_last or block.end > place:
            raise Malformed("two of its entries lie upon each other")
        end_of_last = block.end
        blocks[entry.name.decode("utf-8", "replace")] = block
    if len(blocks) < len(entries):
        raise Malformed("two of its entries have the same name")
    return blocks


def _directory(file: mmap.mmap) -> tuple[int, int, int]:
    """Where the directory is, its size, and how many entries it lists."""
    end = len(file) - _END.size
    if end < 0 or file[end : end + 4] != b"PK\5\6":
        raise Malformed("it has no end: bytes are missing, or were added")
    _, disk, first_disk, here, count, size, place, comment = _END.unpack_from(file, end)
    if end >= _LOCATOR.size and file[end - _LOCATOR.size :][:4] == b"PK\6\7":
        end, (wide_here, wide_count, wide_size, wide_place) = _end64(file, end - _LOCATOR.size)
        pairs = ((here, wide_here, 0xFFFF), (count, wide_count, 0xFFFF), (size, wide_size, _IN_ZIP64),
                 (place, wide_place, _IN_ZIP64))  # fmt: skip
        if any(narrow not in (wide, most) for narrow, wide, most in pairs):
            raise Malformed("its two directories disagree")
        here, count, size, place = wide_here, wide_count, wide_size, wide_place
    if disk or first_disk or comment or here != count or place + size != end:
        raise Malformed("its directory is not where the file ends")
    if count > _MOST_ENTRIES or size > _LARGEST_DIRECTORY:
        raise Refused(f"the archive has {count:,} entries, more than any checkpoint, and was not opened.")
    return place, size, count


def _end64(file: mmap.mmap, locator: int) -> tuple[int, tuple[int, int, int, int]]:
    """Where the wide form of the end begins, and what it says of the entries and the directory."""
    _, disk, place, disks = _LOCATOR.unpack_from(file, locator)
    if disk or disks != 1 or place != locator - _END64.size:
        raise Malformed("its end is not in one piece")
    signature, size, _, _, disk, first_disk, *numbers = _END64.unpack_from(file, place)
    if signature != b"PK\6\6" or size != _END64.size - 12 or disk or first_disk:
        raise Malformed("its end is broken")
    here, count, directory_size, directory = numbers
    return place, (here, count, directory_size, directory)


def _listed(file: mmap.mmap, place: int, size: int, count: int) -> Iterator[_Entry]:
    end = place + size
    for _ in range(count):
        if end - place < _LISTED.size:
            raise Malformed("its directory is cut short")
        signature, _, _, flags, method, _, _, _, packed, unpacked, name, extra, comment, disk, _, _, header = (
            _LISTED.unpack_from(file, place)
        )
        place += _LISTED.size
        if signature != b"PK\1\2" or disk or end - place < name + extra + comment:
            raise Malformed("its directory is broken")
        wide = _wide_numbers(file[place + name : place + name + extra], (unpacked, packed, header))
        yield _Entry(file[place : place + name], flags, method, wide[1], wide[0], wide[2])
        place += name + extra + comment
    if place != end:
        raise Malformed("its directory is longer than it says")


def _wide_numbers(extra: bytes, numbers: tuple[int, ...]) -> list[int]:
    """``numbers``, those that do not fit 32 bits from the extra field of zip64."""
    wide, place = b"", 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, place)
        if kind == 1:
            wide = extra[place + 4 : place + 4 + size]
        place += 4 + size
    found = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[: len(wide) // 8 * 8]))
    return [next(found, number) if number == _IN_ZIP64 else number for number in numbers]


def _check_packing(entries: list[_Entry]) -> None:
    if any(entry.flags & _ENCRYPTED for entry in entries):
        raise Refused("the archive is encrypted. Unpack it with its password first.")
    if any(entry.method or entry.packed != entry.size for entry in entries):
        unpacked = sum(entry.size for entry in entries)
        raise Refused(
            f"this archive would unpack to {unpacked:,} bytes and was not made by torch.save. It was not opened; if it is a "
            "zip of a checkpoint, unpack it first."
        )


def _contents(file: mmap.mmap, entry: _Entry) -> Block:
    """Where the entry's bytes are, after a look at what stands before them."""
    if entry.header > len(file) - _LOCAL.size:
        raise Malformed("an entry lies outside of it")
    signature, _, flags, method, _, _, _, packed, size, name, extra = _LOCAL.unpack_from(file, entry.header)
    start = entry.header + _LOCAL.size
    same_name = file[start : start + name] == entry.name
    if signature != b"PK\3\4" or not same_name or (flags, method) != (entry.flags, entry.method):
        raise Malformed("its directory disagrees with its entries")
    possible = {entry.size, _IN_ZIP64} | ({0} if flags & _SIZES_FOLLOW else set())
    if not {packed, size} <= possible:
        raise Malformed("its directory disagrees with its entries")
    return Block(start + name + extra, entry.size)

"""torch's old layout, which it wrote before 1.6 and many published files have: five pickles, then the storages."""

from __future__ import annotations

import re
import struct
from typing import Any

from ..malformed import Malformed
from ..regular import RegularFile
from .archive import Block
from .constructors import lookup, storage_of
from .tensors import Content
from .unpickle import MOST_BYTES, unpickle
from .values import Storage

# A pickle of torch's magic number, without its end: of protocol 2, which is torch's own choice, 3, or in a frame 4 and 5; or
# as text of 0 and 1.
MAGIC = re.compile(
    rb"\x80(?:[\x02\x03]|[\x04\x05]\x95.{8})\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19|L119547037146038801333356L\n",
    re.DOTALL,
)
_VERSION = 1001
_COUNT = struct.Struct("<q")


def read_stream(file: RegularFile) -> object:
    """The content of a file in the old layout. Raises Malformed or Refused."""
    beginning = bytearray(min(len(file.map), MOST_BYTES))
    file.read_into(memoryview(beginning), 0)
    storages: dict[str, Storage] = {}

    def known(persistent_id: object) -> Storage:
        storage = storage_of(persistent_id)
        if storages.setdefault(storage.key, storage) != storage:
            raise Malformed("a storage in it is described in two ways")
        return storage

    values: list[Any] = []
    place = 0
    for _ in ("magic number", "version", "machine", "content", "keys of the storages"):
        value, place = unpickle(beginning, place, lookup, known)
        values.append(value)
    _, version, machine, content, keys = values
    if version != _VERSION or not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise Malformed("it was written in another version of torch's old layout, or on a big-endian machine")
    return Content(file, _blocks(file, place, keys, storages)).of(content)


def _blocks(file: RegularFile, place: int, keys: object, storages: dict[str, Storage]) -> dict[str, Block]:
    """Where each storage is: they follow each other, each behind the count of its numbers."""
    if not isinstance(keys, list) or not all(isinstance(key, str) and key in storages for key in keys):
        raise Malformed("it stores something that no tensor uses")
    blocks = {}
    for key in keys:
        storage = storages[key]
        if place + _COUNT.size + storage.bytes > len(file.map):
            raise Malformed(f"{len(file.map):,} bytes are too few for its tensors")
        if _COUNT.unpack_from(file.map, place)[0] != storage.count or key in blocks:
            raise Malformed("a storage has another size than its tensors")
        blocks[key] = Block(place + _COUNT.size, storage.bytes)
        place = blocks[key].end
    return blocks

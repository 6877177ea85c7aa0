"""torch's layout since 1.6: a zip of one pickle and one entry for every storage, uncompressed."""

from __future__ import annotations

from collections.abc import Iterable

from ..malformed import Malformed, Refused
from ..regular import RegularFile
from .archive import Block, entries_of
from .constructors import lookup, storage_of
from .tensors import Content
from .unpickle import MOST_BYTES, unpickle

MAGIC = b"PK\x03\x04"
_PICKLE = "data.pkl"


def read_zip(file: RegularFile) -> object:
    """The content of a file in the zip layout. Raises Malformed or Refused."""
    entries = entries_of(file.map, _refuse_other_programs)
    folder = _folder(entries)
    order = entries.get(f"{folder}byteorder")
    if order is not None and file.map[order.start : order.end] != b"little":
        raise Refused("it was written on a big-endian machine, which is not supported.")
    pickled = entries[folder + _PICKLE]
    if pickled.size > MOST_BYTES:
        raise Malformed(f"its table of contents has {pickled.size:,} bytes, more than any checkpoint's")
    content, _ = unpickle(file.map[pickled.start : pickled.end], 0, lookup, storage_of)
    prefix = f"{folder}data/"
    blocks = {name[len(prefix) :]: block for name, block in entries.items() if name.startswith(prefix)}
    return Content(file, blocks).of(content)


def _refuse_other_programs(names: Iterable[str]) -> None:
    """By their names, since some of their entries are compressed."""
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last:
        raise Refused("this is a TorchScript program, not a checkpoint, and was not run.")
    if {"archive_format", "serialized_exported_program.json"} & last:
        raise Refused("this is a program that torch.export made, not a checkpoint, and was not run.")


def _folder(entries: dict[str, Block]) -> str:
    """The folder in the archive that everything is in."""
    folders = [name.removesuffix(_PICKLE) for name in entries if name.rpartition("/")[2] == _PICKLE]
    if not folders:
        raise Refused("a zip archive without a checkpoint in it. Download it again from its official source.")
    if len(folders) > 1:
        raise Malformed("it has two tables of contents")
    return folders[0]

"""A graph's stored numbers: in the file itself, or in one beside it."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType

import torch
from torch import Tensor

from ..malformed import Malformed, Refused
from ..regular import RegularFile, opened
from .wire import Value, as_bytes, as_int, as_text, fields, ints_of

# TensorProto.DataType → torch's.
TYPES: Mapping[int, torch.dtype] = MappingProxyType(
    {
        1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64, 9: torch.bool,
        10: torch.float16, 11: torch.float64, 16: torch.bfloat16,
    }
)  # fmt: skip
_MOST_DIMENSIONS = 8
_EXTERNAL = 1  # TensorProto.DataLocation


@dataclass(frozen=True)
class Stored:
    """Numbers of a file: ``shape``, ``dtype``, and where their bytes lie. Nothing is copied before ``tensor`` is called."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    raw: memoryview

    @property
    def count(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)

    def tensor(self) -> Tensor:
        """A copy of them."""
        if not self.count:
            return torch.empty(self.shape, dtype=self.dtype)
        return torch.frombuffer(bytearray(self.raw), dtype=self.dtype).reshape(self.shape)


class DataFiles:
    """The files of external data beside a graph: in its own folder, and nowhere else. Each is opened once."""

    def __init__(self, graph: Path) -> None:
        self._folder = graph.parent
        self._maps: dict[str, memoryview] = {}

    @property
    def paths(self) -> tuple[Path, ...]:
        """Those that were opened."""
        return tuple(self._folder / location for location in self._maps)

    def bytes_at(self, where: Mapping[str, str], length: int) -> memoryview:
        """The ``length`` bytes that "location", "offset" and "length" mean. Raises Malformed and Refused."""
        location = where.get("location", "")
        if location not in self._maps:
            self._maps[location] = self._opened(location)
        content = self._maps[location]
        try:
            start, stated = int(where.get("offset", "0")), int(where.get("length", str(length)))
        except ValueError as error:
            raise Malformed("external data at a place that is not a number") from error
        if stated != length or start < 0 or start + length > len(content):
            raise Malformed(f"external data beyond the end of '{location:.80}'")
        return content[start : start + length]

    def _opened(self, location: str) -> memoryview:
        parts = PurePosixPath(location).parts
        windows = PureWindowsPath(location)
        if not parts or windows.anchor or PurePosixPath(location).is_absolute() or ".." in (*parts, *windows.parts):
            raise Refused(
                f"keeps its weights in '{location:.80}', outside of its own folder, and was not opened. Get it as one file."
            )
        path = self._folder / location
        try:
            inside = path.resolve(strict=True).is_relative_to(self._folder.resolve(strict=True))
        except OSError as error:
            raise Refused(
                f"its weights are in '{location:.80}', which is not beside it. Put both files into one folder."
            ) from error
        if not inside:
            raise Refused(f"its weights are in '{location:.80}', a link out of its folder, and it was not opened.")
        with opened(path) as file:
            return memoryview(b"") if file is None else view_of(file)


def view_of(file: RegularFile) -> memoryview:
    """An open file's bytes, which stay when it is closed."""
    return memoryview(file.map)


def read_tensor(message: Value, files: DataFiles) -> tuple[str, Stored | None]:
    """A TensorProto's name and numbers; None where they are texts, or of a type that no network of ours has."""
    name, dims, kind, location = "", list[int](), 0, 0
    raw: memoryview | None = None
    lists: dict[int, list[Value]] = {}
    where: dict[str, str] = {}
    for number, value in fields(as_bytes(message)):
        if number == 1:
            dims += ints_of(value)
        elif number == 2:
            kind = as_int(value)
        elif number in (4, 5, 7, 10):  # float_data, int32_data, int64_data, double_data
            lists.setdefault(number, []).append(value)
        elif number == 8:
            name = as_text(value)
        elif number == 9:
            raw = as_bytes(value)
        elif number == 13:
            where.update([pair(value)])
        elif number == 14:
            location = as_int(value)
    if kind not in TYPES:
        return name, None
    dtype, length = TYPES[kind], _length(dims, TYPES[kind], name)
    if location == _EXTERNAL:
        raw = files.bytes_at(where, length)
    elif raw is None:
        raw = _listed(lists, dtype)
    if len(raw) != length:
        raise Malformed(f"'{name:.80}' claims {dims} but stores {len(raw):,} bytes")
    return name, Stored(tuple(dims), dtype, raw)


def pair(message: Value) -> tuple[str, str]:
    """A StringStringEntryProto."""
    key = text = ""
    for number, value in fields(as_bytes(message)):
        if number == 1:
            key = as_text(value)
        elif number == 2:
            text = as_text(value)
    return key, text


def _length(dims: list[int], dtype: torch.dtype, name: str) -> int:
    if len(dims) > _MOST_DIMENSIONS or any(not 0 <= side < 1 << 40 for side in dims):
        raise Malformed(f"'{name:.80}' has an impossible shape")
    return math.prod(dims) * dtype.itemsize


def _listed(lists: Mapping[int, list[Value]], dtype: torch.dtype) -> memoryview:
    """Numbers that are written as a list of their own kind, as bytes of ``dtype``."""
    if 4 in lists or 10 in lists:  # fixed width: packed, or one by one
        return memoryview(b"".join(bytes(as_bytes(value)) for value in lists.get(4, lists.get(10, []))))
    numbers = [each for number in (5, 7) for value in lists.get(number, []) for each in ints_of(value)]
    if dtype in (torch.float16, torch.bfloat16):  # their bits, as whole numbers
        return memoryview(struct.pack(f"<{len(numbers)}H", *(each & 0xFFFF for each in numbers)))
    if dtype.is_floating_point:
        return memoryview(b"")
    try:
        return memoryview(torch.tensor(numbers, dtype=dtype).numpy().tobytes())
    except (RuntimeError, OverflowError) as error:
        raise Malformed(f"a number that does not fit {dtype}") from error

"""From descriptions of tensors to tensors: each is compared with its storage, and shares its memory with the mapped file."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor

from ..malformed import Malformed
from ..regular import RegularFile
from .archive import Block
from .values import Storage, TensorSpec, Unread

_MOST_TENSORS = 1 << 16
_DEEPEST = 64
_ALIGNMENT = 8  # bytes; that of the widest number that is read
_PLAIN = (str, int, float, bytes, type(None), Unread)


class Content:
    """Makes a copy of what a pickle holds, with tensors in the places of their descriptions."""

    def __init__(self, file: RegularFile, blocks: Mapping[str, Block]) -> None:
        self.file, self.blocks = file, blocks
        self._bytes: dict[str, Tensor] = {}  # by the key of a storage: what shares it in the file shares it here
        self._copies: dict[
            int, tuple[object, int] | None
        ] = {}  # by id: the copy and how deep it is; None while it is made
        self._count = 0

    def of(self, value: object) -> object:
        """The copy. Raises Malformed where it is nested endlessly, or a tensor contradicts its storage."""
        return self._copied(value, "", 0)[0]

    def _copied(self, value: object, where: str, depth: int) -> tuple[Any, int]:
        """The copy and how many containers deep it is. Recursive, since no more than a few levels are let in."""
        if isinstance(value, _PLAIN):
            return value, 0
        if not isinstance(value, dict | list | tuple | TensorSpec):
            return Unread("torch's name of a type"), 0
        if id(value) not in self._copies:
            self._copies[id(value)] = None
            self._copies[id(value)] = self._made(value, where, depth)
        copy = self._copies[id(value)]
        if copy is None or depth + copy[1] > _DEEPEST:
            raise Malformed(f"its content is nested more than {_DEEPEST} deep")
        return copy

    def _made(self, value: object, where: str, depth: int) -> tuple[object, int]:
        if isinstance(value, TensorSpec):
            return self._tensor(value, where), 0
        if depth >= _DEEPEST:
            raise Malformed(f"its content is nested more than {_DEEPEST} deep")
        items = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
        made = {key: self._copied(item, str(key), depth + 1) for key, item in items}
        height = 1 + max((height for _, height in made.values()), default=0)
        copies = {key: copy for key, (copy, _) in made.items()}
        return (copies if isinstance(value, dict) else type(value)(copies.values())), height  # type: ignore[call-arg]

    def _tensor(self, spec: TensorSpec, where: str) -> Tensor:
        self._count += 1
        if self._count > _MOST_TENSORS:
            raise Malformed(f"it has more than {_MOST_TENSORS:,} tensors")
        _check_extent(spec, where)
        dtype = getattr(torch, spec.kind.name, None)
        if dtype is None:
            raise Malformed(f"'{where:.60}' holds {spec.kind.name}, which this version of PyTorch does not have")
        numbers = self._storage(spec.storage).view(dtype)
        return numbers.as_strided(spec.shape, spec.stride, spec.offset)

    def _storage(self, storage: Storage) -> Tensor:
        """Its bytes, in the mapped file where they lie as a processor wants them."""
        found = self._bytes.get(storage.key)
        if found is not None and found.numel() == storage.bytes:
            return found
        block = self.blocks.get(storage.key, Block(0, 0))
        if block.size != storage.bytes or found is not None:
            raise Malformed(f"a storage has {block.size:,} bytes and should have {storage.bytes:,}")
        self._bytes[storage.key] = made = _mapped(self.file, block)
        return made


def _mapped(file: RegularFile, block: Block) -> Tensor:
    if block.size == 0:
        return torch.empty(0, dtype=torch.uint8)
    if block.start % _ALIGNMENT:
        copy = torch.empty(block.size, dtype=torch.uint8)
        file.read_into(memoryview(copy.numpy()), block.start)  # type: ignore[arg-type]
        return copy
    return torch.frombuffer(file.map, dtype=torch.uint8, count=block.size, offset=block.start)


def _check_extent(spec: TensorSpec, where: str) -> None:
    """A stride of 0 can claim terabytes in a small file. Raises Malformed."""
    shape, size = list(spec.shape), spec.kind.bytes
    last = spec.offset + sum((count - 1) * step for count, step in zip(spec.shape, spec.stride, strict=True))
    if prod(max(count, 1) for count in shape) * size >= 1 << 62:
        raise Malformed(f"'{where:.60}' claims {shape}, which is more than any memory holds")
    if 0 in shape:
        return
    if prod(shape) * size > spec.storage.bytes or (last + 1) * size > spec.storage.bytes:
        raise Malformed(f"'{where:.60}' claims {shape} but stores less")

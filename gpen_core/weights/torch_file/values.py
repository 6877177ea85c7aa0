"""What a pickle can hold beside plain containers, texts and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Unread:
    """Something that is neither a tensor nor a text, number or container: named, never built."""

    what: str


@dataclass(frozen=True, eq=False)
class Maker:
    """What a name stands for where the pickle calls it: ``make`` gets the arguments from the file, unchecked."""

    name: str
    make: Callable[[tuple[Any, ...]], object]


@dataclass(frozen=True)
class Kind:
    """A type of numbers, by torch's name for it; an empty name stands for plain bytes."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Storage:
    """The numbers behind one or more tensors: ``count`` of them."""

    key: str
    kind: Kind
    count: int

    @property
    def bytes(self) -> int:
        """Its size."""
        return self.count * self.kind.bytes


@dataclass(frozen=True, eq=False)
class TensorSpec:
    """A tensor as the pickle describes it: of the right types, but not yet compared with its storage. Counted in numbers."""

    storage: Storage
    kind: Kind
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

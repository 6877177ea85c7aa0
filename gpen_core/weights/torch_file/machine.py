"""The machine that a pickle is a program for: a stack, marks and a memo. Its instructions are in ``unpickle``."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from ..malformed import LONGEST_KEY, Malformed
from .values import Maker, Unread

U8, U16, U32, U64 = (struct.Struct(f"<{size}") for size in "BHIQ")
I32, F64 = struct.Struct("<i"), struct.Struct(">d")
_MOST_MARKS = 256  # nested containers in the making
_LONGEST_INTEGER = 16  # bytes; torch's own magic number has 10
_LONGEST_LINE = 256
_LONGEST_WRITTEN_TEXT = 1 << 20  # such as a configuration beside the weights
_LONG_AS = 64  # characters: what is written for any key that is no text
_SCALARS = (str, int, float, bytes, type(None), Unread)


class Machine:
    """Every method is an instruction or a part of one. They raise Malformed, LookupError, UnicodeError or struct.error."""

    def __init__(
        self,
        data: bytes | bytearray,
        start: int,
        lookup: Callable[[str, str], object],
        persistent: Callable[[object], object],
    ) -> None:
        self.data, self.place, self.lookup, self.persistent = data, start, lookup, persistent
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # what lay on the stack at each mark
        self.memo: dict[int, Any] = {}

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        taken = bytes(self.data[self.place : self.place + count])
        if len(taken) < count:
            raise Malformed("its table of contents is cut short")
        self.place += count
        return taken

    def number(self, layout: struct.Struct) -> Any:
        """The next number."""
        found = layout.unpack_from(self.data, self.place)[0]
        self.place += layout.size
        return found

    def integer(self) -> int:
        """An integer of any length, behind its length."""
        count = self.number(U8)
        if count > _LONGEST_INTEGER:
            raise Malformed("its table of contents has an integer of more than 128 bits")
        return int.from_bytes(self.take(count), "little", signed=True)

    def text(self, length: struct.Struct) -> str:
        """A text behind its length."""
        return self.take(self.number(length)).decode("utf-8")

    def old_text(self, length: struct.Struct) -> str:
        """Python 2's str, which holds a name nearly always."""
        content = self.take(self.number(length))
        return content.decode("ascii" if content.isascii() else "latin-1")

    def line(self) -> str:
        """A name or a number, to the end of its line."""
        return self._line(_LONGEST_LINE).decode("utf-8")

    def written_integer(self) -> int:
        """How protocols 0 and 1 write an integer, and as 00 and 01 what is true or false."""
        written = self.line()
        return written == "01" if written in ("00", "01") else int(written)

    def written_text(self) -> str:
        """How protocol 0 writes a text."""
        return self._line(_LONGEST_WRITTEN_TEXT).decode("raw-unicode-escape")

    def written_old_text(self) -> str:
        """How protocol 0 writes Python 2's str: in quotes."""
        try:
            return self._line(_LONGEST_WRITTEN_TEXT)[1:-1].decode("unicode-escape")
        except Warning as error:  # of an unknown escape, where Python is asked to raise those
            raise Malformed("a text in its table of contents has an unknown escape") from error

    def _line(self, most: int) -> bytes:
        end = self.data.index(b"\n", self.place, self.place + most)
        return self.take(end + 1 - self.place)[:-1]

    def mark(self) -> None:
        """Begin a new stack upon this one."""
        if len(self.below) == _MOST_MARKS:
            raise Malformed(f"its table of contents is nested more than {_MOST_MARKS} deep")
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        """What lies on the stack since the last mark, which goes."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def pop(self) -> None:
        """Drop what lies on top, be it a mark."""
        if self.stack:
            self.stack.pop()
        else:
            self.since_mark()

    def last(self, count: int) -> tuple[Any, ...]:
        """Take the last ``count`` from the stack."""
        return tuple(self.stack.pop() for _ in range(count))[::-1]

    def set_items(self, pairs: list[Any]) -> None:
        """Put keys and values, in turn, into the table on top."""
        target = self.stack[-1]
        if isinstance(target, Unread):
            return
        if type(target) is not dict or len(pairs) % 2:
            raise Malformed("its table of contents puts pairs into something that is no table")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[checked_key(key)] = value

    def table(self) -> dict[Any, Any]:
        """A new table of what lies on the stack since the last mark."""
        pairs = self.since_mark()
        self.stack.append({})
        self.set_items(pairs)
        made: dict[Any, Any] = self.stack.pop()
        return made

    def append(self, items: list[Any]) -> None:
        """Put items into the list on top."""
        target = self.stack[-1]
        if isinstance(target, Unread):
            return
        if type(target) is not list:
            raise Malformed("its table of contents appends to something that is no list")
        target.extend(items)

    def call(self) -> None:
        """What is called, and its arguments → what it makes."""
        arguments, maker = self.stack.pop(), self.stack.pop()
        if not isinstance(maker, Maker) or type(arguments) is not tuple:
            raise Malformed("its table of contents calls something that cannot be called")
        self.stack.append(maker.make(arguments))

    def call_with_names(self) -> None:
        """``call`` with keyword arguments: nothing that is read takes any."""
        self.stack.pop()
        self.call()

    def build(self) -> None:
        """An object's attributes: nothing here has any. Those of a table are torch's notes on versions of layers."""
        self.stack.pop()
        if not isinstance(self.stack[-1], Unread | dict):
            raise Malformed("its table of contents gives attributes to something that has none")

    def refer(self, module: object, name: object) -> None:
        """What a name stands for."""
        if type(module) is not str or type(name) is not str:
            raise Malformed("its table of contents refers to something without a name")
        self.stack.append(self.lookup(module, name))


def checked_key(key: object) -> Any:
    """A key that costs nothing to hash: hashing nested tuples recurses in C, without a limit. Raises Malformed.

    Nor to name what lies below it: a few bytes can refer to a long key a hundred thousand times.
    """
    items = key if type(key) is tuple else (key,)
    for item in items:
        if not isinstance(item, _SCALARS):
            raise Malformed("a key in its table of contents is neither a name nor a number")
    if sum(len(item) if isinstance(item, str | bytes) else _LONG_AS for item in items) > LONGEST_KEY:
        raise Malformed(f"a key in its table of contents has more than {LONGEST_KEY:,} characters")
    return key

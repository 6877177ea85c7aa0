"""Interpret as much of the pickle language as a table of tensors needs.

Nothing that a file names is imported, called or given attributes: a name becomes what ``lookup`` makes of it, or the file is
refused. Nothing nested is hashed, compared or otherwise walked, so that no depth can exhaust the C stack.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..malformed import Malformed
from .machine import F64, I32, U8, U16, U32, U64, Machine
from .values import Unread

MOST_BYTES = 8 << 20  # of one pickle; a training checkpoint's has a few hundred KiB
MOST_STEPS = 1_000_000  # each takes some 100 bytes of memory at most, beside the file's own
_STOP = ord(".")


def unpickle(
    data: bytes | bytearray, start: int, lookup: Callable[[str, str], object], persistent: Callable[[object], object]
) -> tuple[Any, int]:
    """Interpret one pickle.

    Args:
        data: Holds it.
        start: Where it begins.
        lookup: Module and name → a ``Maker``, or any constant. Raises Refused.
        persistent: A persistent id → what it stands for. Raises Malformed.

    Returns:
        Its content, in plain dicts, lists and tuples, and where it ends.

    Raises:
        Malformed: It is broken, or larger than any checkpoint's.
        Refused: It names something that ``lookup`` refuses.
    """
    machine = Machine(data, start, lookup, persistent)
    try:
        return _run(machine), machine.place
    except (LookupError, ValueError, struct.error) as error:  # ValueError: UnicodeError, and a line without an end
        raise Malformed(f"its table of contents is broken at byte {machine.place:,}") from error


def _run(machine: Machine) -> object:
    data = machine.data
    for _ in range(MOST_STEPS):
        opcode = data[machine.place]
        machine.place += 1
        if opcode == _STOP:
            if machine.below or len(machine.stack) != 1:
                raise Malformed("its table of contents is more than one")
            return machine.stack[0]
        action = _ACTIONS.get(opcode)
        if action is None:
            raise Malformed(f"its table of contents has the instruction {opcode:#04x}, which no checkpoint needs")
        action(machine)
    raise Malformed(f"its table of contents has more than {MOST_STEPS:,} steps")


def _pushes(make: Callable[[Machine], object]) -> Callable[[Machine], None]:
    def push(machine: Machine) -> None:
        made = make(machine)
        machine.stack.append(made)

    return push


def _put(index: Callable[[Machine], int]) -> Callable[[Machine], None]:
    def put(machine: Machine) -> None:
        machine.memo[index(machine)] = machine.stack[-1]

    return put


def _skip(machine: Machine, count: int) -> None:
    machine.take(count)


# By the names that Python's pickletools gives them. Left out: what calls (INST, OBJ), extensions, and buffers outside of the
# file.
_ACTIONS: Mapping[int, Callable[[Machine], None]] = MappingProxyType(
    {
        0x80: lambda m: _skip(m, 1),  # PROTO
        0x95: lambda m: _skip(m, 8),  # FRAME
        ord("("): Machine.mark,
        ord("0"): Machine.pop,
        ord("1"): lambda m: m.since_mark().clear(),  # POP_MARK
        ord("N"): _pushes(lambda m: None),
        0x88: _pushes(lambda m: True),
        0x89: _pushes(lambda m: False),
        ord("K"): _pushes(lambda m: m.number(U8)),  # BININT1
        ord("M"): _pushes(lambda m: m.number(U16)),  # BININT2
        ord("J"): _pushes(lambda m: m.number(I32)),  # BININT
        0x8A: _pushes(Machine.integer),  # LONG1
        ord("G"): _pushes(lambda m: m.number(F64)),  # BINFLOAT
        ord("X"): _pushes(lambda m: m.text(U32)),  # BINUNICODE
        0x8C: _pushes(lambda m: m.text(U8)),  # SHORT_BINUNICODE
        0x8D: _pushes(lambda m: m.text(U64)),  # BINUNICODE8
        ord("U"): _pushes(lambda m: m.old_text(U8)),  # SHORT_BINSTRING
        ord("T"): _pushes(lambda m: m.old_text(U32)),  # BINSTRING
        ord("C"): _pushes(lambda m: m.take(m.number(U8))),  # SHORT_BINBYTES
        ord("B"): _pushes(lambda m: m.take(m.number(U32))),  # BINBYTES
        0x8E: _pushes(lambda m: m.take(m.number(U64))),  # BINBYTES8
        ord(")"): _pushes(lambda m: ()),
        0x85: _pushes(lambda m: m.last(1)),  # TUPLE1
        0x86: _pushes(lambda m: m.last(2)),
        0x87: _pushes(lambda m: m.last(3)),
        ord("t"): _pushes(lambda m: tuple(m.since_mark())),  # TUPLE
        ord("]"): _pushes(lambda m: []),
        ord("a"): lambda m: m.append([m.stack.pop()]),  # APPEND
        ord("e"): lambda m: m.append(m.since_mark()),  # APPENDS
        ord("}"): _pushes(lambda m: {}),
        ord("s"): lambda m: m.set_items(list(m.last(2))),  # SETITEM
        ord("u"): lambda m: m.set_items(m.since_mark()),  # SETITEMS
        0x8F: _pushes(lambda m: Unread("a set")),  # EMPTY_SET
        0x90: lambda m: m.append(m.since_mark()),  # ADDITEMS
        0x91: _pushes(lambda m: (m.since_mark(), Unread("a set"))[1]),  # FROZENSET
        ord("q"): _put(lambda m: m.number(U8)),  # BINPUT
        ord("r"): _put(lambda m: m.number(U32)),  # LONG_BINPUT
        0x94: _put(lambda m: len(m.memo)),  # MEMOIZE
        ord("h"): _pushes(lambda m: m.memo[m.number(U8)]),  # BINGET
        ord("j"): _pushes(lambda m: m.memo[m.number(U32)]),  # LONG_BINGET
        ord("c"): lambda m: m.refer(m.line(), m.line()),  # GLOBAL
        0x93: lambda m: m.refer(*m.last(2)),  # STACK_GLOBAL
        ord("R"): Machine.call,  # REDUCE
        0x81: Machine.call,  # NEWOBJ
        0x92: Machine.call_with_names,  # NEWOBJ_EX
        ord("b"): Machine.build,
        ord("Q"): _pushes(lambda m: m.persistent(m.stack.pop())),  # BINPERSID
        # As text, in protocol 0, and some in 1.
        ord("I"): _pushes(Machine.written_integer),  # INT
        ord("L"): _pushes(lambda m: int(m.line().removesuffix("L"))),  # LONG
        ord("F"): _pushes(lambda m: float(m.line())),  # FLOAT
        ord("V"): _pushes(Machine.written_text),  # UNICODE
        ord("S"): _pushes(Machine.written_old_text),  # STRING
        ord("l"): _pushes(Machine.since_mark),  # LIST
        ord("d"): _pushes(Machine.table),  # DICT
        ord("p"): _put(lambda m: int(m.line())),  # PUT
        ord("g"): _pushes(lambda m: m.memo[int(m.line())]),  # GET
        ord("P"): _pushes(lambda m: m.persistent(m.line())),  # PERSID
    }
)

"""Open regular files only, and map them: anything else may block for ever, or never end."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from ..errors import CheckpointError
from .malformed import Malformed

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO (a named pipe)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_LONGEST_PATH = 200  # characters of one in a message, which ends with the reason


class RegularFile:
    """An open file: mapped, or copied from where it is quicker to copy.

    Attributes:
        map: Its bytes. What is written into them stays in this process.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

    def read_into(self, buffer: memoryview, start: int) -> None:
        """Fill ``buffer`` with the bytes from ``start`` on: quicker than touching them page by page. Raises Malformed."""
        self._file.seek(start)
        place = 0
        while place < len(buffer):
            count = self._file.readinto(buffer[place:])
            if not count:
                raise Malformed("it became shorter while it was read")
            place += count


@contextmanager
def opened(path: Path) -> Iterator[RegularFile | None]:
    """Open a regular file; a link to one is followed. None where it is empty. Raises CheckpointError."""
    try:
        _check_kind(path, path.stat())
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            _check_kind(path, status)
            yield RegularFile(file) if status.st_size else None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name, or nothing left to map
        named = str(path) if len(str(path)) <= _LONGEST_PATH else f"…{str(path)[-_LONGEST_PATH:]}"
        raise CheckpointError(f"{named}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


def is_missing(path: Path) -> bool:
    """Whether nothing is there. What cannot be looked at is not missing: opening it says why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _without_waiting(path: str, flags: int) -> int:
    """A FIFO that has just taken the file's place would wait for a writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_kind(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "no regular file")
        raise CheckpointError(f"{path.name or path}: this is {kind}, not a file of weights. Choose the file itself.")

"""Decoders in C write their own warnings to the terminal; here they are kept, for the error where one follows."""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_STDERR = 2
_one_at_a_time = threading.RLock()


class Said:
    """What decoders said meanwhile."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file

    def last_line(self) -> str:
        """The last of it; "" where nothing was said."""
        if self._file is None:
            return ""
        self._file.seek(0)
        lines = self._file.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


@contextmanager
def quiet() -> Iterator[Said]:
    """Nothing reaches the terminal's second channel within; Python's warnings aren't shown either."""
    with _one_at_a_time, warnings.catch_warnings(), tempfile.TemporaryFile() as file:
        warnings.simplefilter("ignore")
        try:
            terminal = os.dup(_STDERR)
        except OSError:  # there is none
            yield Said(None)
            return
        try:
            os.dup2(file.fileno(), _STDERR)
            yield Said(file)
        finally:
            os.dup2(terminal, _STDERR)
            os.close(terminal)

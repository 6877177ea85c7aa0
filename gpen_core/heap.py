"""Heap settings of this process. Only for programs that own it: inside a host, these are not ours to change."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # M_… of glibc's malloc.h
_KEPT = 1 << 30


def keep_freed_memory() -> None:
    """Make glibc keep up to 1 GiB of freed memory for reuse instead of returning it to the system.

    The system clears each page it hands out, which takes a tenth of the time of a 512 px face. Does nothing without glibc.
    Peak memory is unchanged: all threads share one heap, or each would keep what it freed for itself.
    """
    set_option = _of_glibc("mallopt")
    if set_option is not None:
        set_option(_TRIM_THRESHOLD, _KEPT)
        set_option(_MMAP_THRESHOLD, _KEPT)
        set_option(_ARENA_MAX, 1)


def return_freed_memory() -> None:
    """Give back what lies freed between what is held. Does nothing without glibc."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., Any] | None:
    """A function of the C library; musl has none of these."""
    if not sys.platform.startswith("linux"):
        return None
    found: Callable[..., Any] | None = getattr(ctypes.CDLL(None), name, None)
    return found

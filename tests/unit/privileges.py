"""Tests of permissions are of use to the administrator, too, who otherwise may do everything."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@contextmanager
def permissions_count() -> Iterator[None]:
    """This thread obeys the permissions of files, whoever runs it. Skips the test where that cannot be had."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no permissions of this kind")
    if os.geteuid() != 0:
        yield
        return
    if not sys.platform.startswith("linux"):
        pytest.skip("the administrator may read and write everything")
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (
        (ctypes.c_uint32 * 2)(_VERSION, 0),
        (ctypes.c_uint32 * 6)(),
    )  # effective, permitted, inheritable; twice
    if libc.capget(header, sets):
        pytest.skip("this process cannot look at its capabilities")
    before = sets[0]
    try:
        sets[0] = before & ~_OVERRIDES
        assert libc.capset(header, sets) == 0
        yield
    finally:
        sets[0] = before
        libc.capset(header, sets)

"""A thread in which oneDNN once ran out of memory fails for ever: what is tried again is tried in another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Result = TypeVar("Result")
_STUCK = "could not create a primitive"


def is_stuck(error: BaseException) -> bool:
    """Whether oneDNN failed in a way that it repeats in this thread, however much memory there is by then.

    Its code generator (Xbyak, built without exceptions) keeps a failed allocation as an error of the thread, and clears it
    never; seen with torch 2.14.
    """
    return isinstance(error, RuntimeError) and _STUCK in str(error).lower()


def afresh(job: Callable[[], Result]) -> Result:
    """Run ``job`` in a new thread, which sees what this one does, and wait for it."""
    with ThreadPoolExecutor(1, "gpen-afresh") as threads:
        return threads.submit(copy_context().run, job).result()

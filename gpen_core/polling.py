"""How long work asks whether it may go on: often enough to stop within a blink, without a parameter through every room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Poll = Callable[[], None]


def go_on() -> None:
    """Nobody stops this work."""


_current: ContextVar[Poll] = ContextVar("gpen_poll", default=go_on)


@contextmanager
def polling(poll: Poll) -> Iterator[None]:
    """Within it, networks and detectors call ``poll`` between their steps.

    Args:
        poll: Raises what shall end the work. It may be called in any thread, thousands of times a second.
    """
    token = _current.set(poll)
    try:
        yield
    finally:
        _current.reset(token)


def current_poll() -> Poll:
    """What to call between steps. Threads that are begun for a piece of work must be given it: they don't inherit it."""
    return _current.get()

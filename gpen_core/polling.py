"""How long work asks whether it may go on: often enough to stop within a blink, without a parameter through every room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Thread
from typing import TypeVar

Poll = Callable[[], None]
Result = TypeVar("Result")
_OFTEN = 0.05  # s


def go_on() -> None:
    """Nobody stops this work."""


_current: ContextVar[Poll] = ContextVar("gpen_poll", default=go_on)


@contextmanager
def polling(poll: Poll) -> Iterator[None]:
    """Within it, networks, detectors and whatever else takes long call ``poll`` between their steps.

    Args:
        poll: Raises what shall end the work. It may be called in any thread, thousands of times a second. ``go_on`` changes
            nothing: whoever is asked already goes on being asked.
    """
    if poll is go_on:
        yield
        return
    token = _current.set(poll)
    try:
        yield
    finally:
        _current.reset(token)


def current_poll() -> Poll:
    """What to call between steps. Threads that are begun for a piece of work must be given it: they don't inherit it."""
    return _current.get()


def interruptible(call: Callable[[], Result]) -> Result:
    """What ``call`` returns, made in another thread, while this one asks whether it may go on.

    For what takes long and cannot ask by itself: an encoder, the import of a large package. Where the answer is no, or Ctrl-C
    comes, this returns at once; the call goes on to its end unseen, so it must write nowhere but into memory of its own.
    """
    poll, future = current_poll(), Future[Result]()
    poll()
    Thread(target=_fulfill, args=(future, call), daemon=True).start()
    while not wait([future], _OFTEN).done:
        poll()
    return future.result()


def _fulfill(future: Future[Result], call: Callable[[], Result]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # raised again where it is waited for
        future.set_exception(error)

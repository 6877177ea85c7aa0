"""Stages side by side: each in a thread of its own, with a queue of a few items between."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

import torch

from ...polling import Poll
from ...threads import set_own_threads

Item = TypeVar("Item")
_WAIT = 0.1  # seconds between looks at whether anybody still wants the items
_PATIENCE = 5.0  # seconds for a thread to end, once the user has asked twice


class Stopped(Exception):
    """Raised in a stage whose items nobody wants any more."""


class Stop:
    """Whether a stage's items are still wanted: not if its own taker has stopped, nor if a later stage has.

    Args:
        later: Of the stage that takes the items.
    """

    def __init__(self, later: Stop | None = None) -> None:
        self._event, self._later = threading.Event(), later

    def set(self) -> None:
        """Nobody wants the items any more."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether nobody does."""
        return self._event.is_set() or (self._later is not None and self._later.is_set())

    def polled(self, poll: Poll) -> Poll:
        """``poll``, and Stopped where nobody wants the items: what takes long within a stage ends, too."""

        def asked() -> None:
            if self.is_set():
                raise Stopped
            poll()

        return asked


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def ahead(
    items: Iterable[Item], depth: int, *, quiet: bool = False, stop: Stop | None = None
) -> Generator[Item, None, None]:
    """The same items, made in another thread while the caller works, at most ``depth`` of them ahead.

    What the thread raises is raised here. When the caller stops early (an error, ``close``), the thread stops at its next item,
    or where it polls, and closes ``items`` if that is a generator. Nobody else may close those: they run in that thread.

    Args:
        items: What is made.
        depth: How many may wait.
        quiet: The thread's torch takes a quarter of the cores. Two threads that each take all of them wait for each other at
            the end of every operation.
        stop: Tells the thread to stop; None: only this stage does.
    """
    made: queue.Queue[Item | _Failed | None] = queue.Queue(maxsize=depth)
    stop = stop or Stop()

    def put(item: Item | _Failed | None) -> bool:
        while not stop.is_set():
            try:
                made.put(item, timeout=_WAIT)
                return True
            except queue.Full:
                continue
        return False

    def take() -> Item | _Failed | None:
        while not stop.is_set():
            try:
                return made.get(timeout=_WAIT)
            except queue.Empty:
                continue
        return None

    def make() -> None:
        iterator = iter(items)
        if quiet:
            set_own_threads(max(1, cores // 4))
        try:
            for item in iterator:
                if not put(item):
                    return
            put(None)
        except BaseException as error:
            put(_Failed(error))
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    cores = torch.get_num_threads()
    context = contextvars.copy_context()  # a host may keep in it who asked for the work
    thread = threading.Thread(target=context.run, args=(make,), name="gpen-ahead", daemon=True)
    thread.start()
    try:
        while (item := take()) is not None:
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        stop.set()
        _end(thread)


def _end(thread: threading.Thread) -> None:
    """Wait until it has ended, a second Ctrl-C included: what the thread still uses may not be closed under its hands."""
    try:
        thread.join()
    except KeyboardInterrupt:
        thread.join(_PATIENCE)
        raise

"""Stages side by side: each in a thread of its own, with a queue of a few items between."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

import torch

from ...threads import set_own_threads

Item = TypeVar("Item")
_WAIT = 0.1  # seconds between looks at whether anybody still wants the items


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def ahead(items: Iterable[Item], depth: int, *, quiet: bool = False) -> Generator[Item, None, None]:
    """The same items, made in another thread while the caller works, at most ``depth`` of them ahead.

    What the thread raises is raised here. When the caller stops early (an error, ``close``), the thread stops at its next item,
    and closes ``items`` if that is a generator.

    Args:
        items: What is made.
        depth: How many may wait.
        quiet: The thread's torch takes a quarter of the cores. Two threads that each take all of them wait for each other at
            the end of every operation.
    """
    made: queue.Queue[Item | _Failed | None] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(item: Item | _Failed | None) -> bool:
        while not stopped.is_set():
            try:
                made.put(item, timeout=_WAIT)
                return True
            except queue.Full:
                continue
        return False

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
        while (item := made.get()) is not None:
            if isinstance(item, _Failed):
                raise item.error
            yield item
    finally:
        stopped.set()
        thread.join()

"""Ctrl-C during a run on a cluster."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def remembered_interrupts() -> Iterator[Callable[[], None]]:
    """Within it, Ctrl-C is remembered, beside what it does otherwise; what is yielded raises KeyboardInterrupt from then on.

    It may come while Ray runs Python where exceptions are lost, such as a callback: the run would go on to its end.
    """
    came = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    mine = threading.current_thread() is threading.main_thread() and callable(before)

    def notice(number: int, frame: FrameType | None) -> None:
        came.set()
        if callable(before):
            before(number, frame)

    def check() -> None:
        if came.is_set():
            raise KeyboardInterrupt

    if mine:
        signal.signal(signal.SIGINT, notice)
    try:
        yield check
    finally:
        if mine:
            signal.signal(signal.SIGINT, before)

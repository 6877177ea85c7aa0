"""Which threads compute: pieces of work side by side, where a library takes one core for each, and torch by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TypeVar

import torch

from .polling import current_poll

Piece = TypeVar("Piece")
Result = TypeVar("Result")
_SETTING = Lock()  # two threads that set their numbers at once would take each other's for what it was before


def side_by_side(work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> list[Result]:
    """``[work(piece) for piece in pieces]``, as many at once as torch has threads.

    For what takes one core and leaves Python's lock alone meanwhile, for a millisecond at least: Pillow, zlib, NumPy on
    large arrays. Not for torch, which takes all cores for each operation as it is, and whose modes and streams are each
    thread's own. An iterator is read by the calling thread, to its end, while others work on what it gave before. Raises
    the first piece's error; pieces not begun when that is found are left out. Before each, it is asked whether to go on.
    """
    at_once, poll = min(torch.get_num_threads(), len(pieces) if isinstance(pieces, Sized) else 2**10), current_poll()

    def polled(piece: Piece) -> Result:
        poll()
        return work(piece)

    if at_once < 2:
        return [polled(piece) for piece in pieces]
    with ThreadPoolExecutor(at_once, "gpen") as pool:
        return list(pool.map(polled, pieces))


@contextmanager
def by_itself() -> Iterator[None]:
    """The calling thread's torch computes with one thread inside; also a decorator.

    For many short operations on small tensors. OpenMP's threads meet at the end of each and gain next to nothing; where
    other programs use the cores too, each meeting may cost a hundredth of a second. Entering and leaving takes a thousandth.
    """
    if torch.get_num_threads() == 1:
        yield
        return
    before = set_own_threads(1)
    try:
        yield
    finally:
        set_own_threads(before)


def set_own_threads(count: int) -> int:
    """Set the calling thread's number of OpenMP threads, and return what it was.

    The number is a thread's own, but threads that begin later take the one set last: that is set again to what it was, by a
    thread that ends, so that nobody else's changes.
    """
    with _SETTING:
        later = in_new_thread(torch.get_num_threads)
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        in_new_thread(partial(torch.set_num_threads, later))
    return before


def in_new_thread(call: Callable[[], Result]) -> Result:
    """What ``call`` returns in a thread that begins and ends with it."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()

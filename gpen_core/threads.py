"""Independent pieces of work side by side, where a library takes one core for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> list[Result]:
    """``[work(piece) for piece in pieces]``, as many at once as torch has threads.

    For what takes one core and leaves Python's lock alone meanwhile, for a millisecond at least: Pillow, zlib, NumPy on
    large arrays. Not for torch, which takes all cores for each operation as it is, and whose modes and streams are each
    thread's own. An iterator is read by the calling thread, to its end, while others work on what it gave before. Raises
    the first piece's error; pieces not begun when that is found are left out.
    """
    at_once = min(torch.get_num_threads(), len(pieces) if isinstance(pieces, Sized) else 2**10)
    if at_once < 2:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(at_once, "gpen") as pool:
        return list(pool.map(work, pieces))

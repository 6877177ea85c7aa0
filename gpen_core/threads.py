"""Independent pieces of work side by side, where a library takes one core for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Piece], Result], pieces: Sequence[Piece]) -> list[Result]:
    """``[work(piece) for piece in pieces]``, as many at once as torch has threads.

    For what takes one core and leaves Python's lock alone meanwhile: Pillow, zlib, NumPy on large arrays. Torch takes all
    cores for each operation as it is. Raises the first piece's error; pieces not begun by then are left out.
    """
    at_once = min(torch.get_num_threads(), len(pieces))
    if at_once < 2:
        return [work(piece) for piece in pieces]
    gradients, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()

    def as_here(piece: Piece) -> Result:  # these modes are each thread's own
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients):
            return work(piece)

    with ThreadPoolExecutor(at_once, "gpen") as pool:
        return list(pool.map(as_here, pieces))

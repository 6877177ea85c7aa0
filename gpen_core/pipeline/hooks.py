"""How a caller watches, stops and helps a long run. The core itself shows nothing and owns no device."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

_log = logging.getLogger(__name__)


class Progress(Protocol):
    """Called after each step of a stage ("detect", "restore", "blend"). ``preview``: [3, h, w] RGB in [0, 1] or None.

    Raising from here cancels the run; nothing is lost but the run.
    """

    def __call__(self, stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
        """``done`` of ``total`` are done."""
        ...


def silent(stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
    """Progress that nobody watches."""


def ran_out_of_memory(error: BaseException) -> bool:
    """True for the errors by which torch says that memory is used up, on any device."""
    known = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)  # the former since torch 2.5
    if isinstance(error, known | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


@dataclass(frozen=True)
class Hooks:
    """What a caller lends to a long run.

    Attributes:
        progress: Called after each step; raising from it cancels the run.
        is_out_of_memory: Whether an error means that memory is used up.
        free_memory: Called after such an error, before a smaller batch is tried.
        say: Takes a sentence for the user, such as that a larger model would serve this picture better.
    """

    progress: Progress = silent
    is_out_of_memory: Callable[[BaseException], bool] = ran_out_of_memory
    free_memory: Callable[[], None] = lambda: None
    say: Callable[[str], None] = _log.info

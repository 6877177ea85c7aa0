"""How a caller watches, stops and helps a long run. The core itself shows nothing and owns no device."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from torch import Tensor

from ..errors import RestorationError
from ..out_of_memory import ran_out_of_memory
from ..polling import Poll, go_on, polling
from .afresh import afresh, is_stuck

_log = logging.getLogger(__name__)
Result = TypeVar("Result")
Given = ParamSpec("Given")


class Progress(Protocol):
    """Called after each step of a stage ("detect", "restore", "blend"; of a long clip first "scenes").

    ``preview``: [3, h, w] RGB in [0, 1] or None.

    Raising from here cancels the run; nothing is lost but the run.
    """

    def __call__(self, stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
        """``done`` of ``total`` are done."""
        ...


def silent(stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Hooks:
    """What a caller lends to a long run.

    Attributes:
        progress: Called after each step; raising from it cancels the run.
        poll: Called many times within a face, in any thread; raising from it cancels the run, too.
        is_out_of_memory: Whether an error means that memory is used up.
        free_memory: Called after such an error, before a smaller batch is tried.
        say: Takes a sentence for the user, such as that a larger model would serve this picture better.
        warn: Takes one that the user has to see, since the result may not be what was meant; None: ``say`` takes it.
    """

    progress: Progress = silent
    poll: Poll = go_on
    is_out_of_memory: Callable[[BaseException], bool] = ran_out_of_memory
    free_memory: Callable[[], None] = lambda: None
    say: Callable[[str], None] = _log.info
    warn: Callable[[str], None] | None = None

    def miss(self, what: str) -> None:
        """Say that the result may not be what was meant: a part is missing, or was made of another picture.

        It is a warning in the log where nobody else listens.
        """
        (self.warn or (_log.warning if self.say == _log.info else self.say))(what)


def polled(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """A function within which whatever takes long calls the ``poll`` of its keyword argument ``hooks``."""

    @wraps(work)
    def run(*given: Given.args, **named: Given.kwargs) -> Result:
        hooks = named.get("hooks")
        with polling(hooks.poll if isinstance(hooks, Hooks) else go_on):
            return work(*given, **named)

    return run


def with_memory(job: Callable[[], Result], hooks: Hooks, what: str) -> Result:
    """Run ``job``; where memory runs out, free what can be freed and run it once more.

    Raises:
        RestorationError: Memory ran out again; names ``what``.
    """
    try:
        with polling(hooks.poll):
            return job()
    except Exception as error:
        if not hooks.is_out_of_memory(error):
            raise
        stuck = is_stuck(error)
    hooks.free_memory()  # outside the handler: the error holds on to the tensors it failed with
    try:
        with polling(hooks.poll):
            return afresh(job) if stuck else job()
    except Exception as error:
        if not hooks.is_out_of_memory(error):
            raise
        raise RestorationError(
            f"not enough memory for {what}. Close other programs, use a smaller picture, or the CPU."
        ) from error

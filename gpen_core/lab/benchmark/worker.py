"""A candidate in its own process, with its own threads, memory and libraries.

The process is kept alive and told by a line of JSON what to do; it answers with another. Two ends: ``Worker`` here, and
``serve`` in the process that it starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from io import TextIOWrapper
from typing import IO, Any, cast

import numpy as np

from ...errors import RestorationError
from ...files import scratch_folder
from .memory import Gauge, Memory, ProcessGauge
from .timing import seconds_of

_PATIENCE = 10.0  # seconds that a process has to end by itself


class Worker:
    """Starts ``command``, which must call ``serve``, and waits until it is ready. A context manager.

    ``environment`` is added to this process's own. Raises RestorationError, under ``name``, where the process fails.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [*command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        self._orders, self._answers = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        try:
            self.about: dict[str, Any] = self._answer()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def run(self) -> float:
        """Run once → the seconds that the process itself counted."""
        return float(self._ask(do="run")["seconds"])

    def result(self) -> np.ndarray:
        """Run once → what came out."""
        with scratch_folder() as folder:
            path = folder / "result.npy"
            self._ask(do="save", path=str(path))
            return np.load(path, allow_pickle=False)

    def memory(self) -> Memory:
        """What the process has held so far."""
        return Memory(**self._ask(do="memory"))

    def close(self) -> None:
        """End the process: kindly, then not."""
        for stream in (self._orders, self._answers):
            with suppress(OSError):  # the process has gone already
                stream.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, **order: str) -> dict[str, Any]:
        try:
            self._orders.write(json.dumps(order) + "\n")
            self._orders.flush()
        except OSError as error:
            raise RestorationError(self._ended()) from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            raise RestorationError(self._ended())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RestorationError(f"{self.name}: {answer['error']}")
        return answer

    def _ended(self) -> str:
        status = self._process.wait(_PATIENCE)
        why = "the system killed it, as it does when memory runs out" if status < 0 else "its own words are above"
        return f"{self.name}: its process ended with status {status}: {why}."


def serve(
    load: Callable[[], Callable[[], Any]], *, gauge: Gauge | None = None, about: Mapping[str, Any] | None = None
) -> None:
    """The worker's end: call ``load``, then do as told until nobody is there.

    Call it when all libraries are imported: what is held then is the idle process. ``load`` gives what shall be run,
    which returns an array or a tensor when all its work is done. ``about``: plain values for ``Worker.about``.
    """
    answers = _private_output()
    gauge = gauge or ProcessGauge()
    try:
        idle = gauge.now()
        run = load()
        held = {"idle": idle, "loading": gauge.peak(), "ready": gauge.now()}
        gauge.forget()
        _say(answers, **(about or {}))
    except Exception as error:  # whatever it is, the one who asked must hear of it
        _say(answers, **_error(error))
        return
    for line in sys.stdin:
        try:
            answer = _done(json.loads(line), run, held, gauge)
        except Exception as error:
            answer = _error(error)
        _say(answers, **answer)


def _error(error: Exception) -> dict[str, str]:
    return {"error": str(error) or type(error).__name__}


def _done(order: dict[str, str], run: Callable[[], Any], held: dict[str, int], gauge: Gauge) -> dict[str, Any]:
    if order["do"] == "run":
        return {"seconds": seconds_of(run)}
    if order["do"] == "save":
        np.save(order["path"], _array(run()))
        return {}
    return asdict(Memory(**held, running=gauge.peak()))


def _array(result: Any) -> np.ndarray:
    return np.asarray(result.detach().float().cpu() if hasattr(result, "detach") else result)


def _private_output() -> TextIOWrapper:
    """The stream that answers go through. What libraries print goes to the error output from now on."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _say(answers: TextIOWrapper, **values: Any) -> None:
    answers.write(json.dumps(values) + "\n")
    answers.flush()

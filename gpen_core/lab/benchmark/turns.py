"""Candidates, each in its own process, that take turns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import GpenError
from ...precisions import PRECISIONS
from .candidate import Candidate
from .cost import flops, least_seconds, moved_bytes
from .memory import Memory
from .paths import REFERENCE
from .roofline import Roofline
from .timing import Timing, alternately
from .worker import Worker


@dataclass(frozen=True)
class Figures:
    """What was measured, and what it is held against.

    ``timing``: of a whole batch. ``flops``, ``moved_bytes`` and ``least_seconds`` (what the roofline allows): of one face.
    ``difference``: the largest from what the reference path yields in float32, of values in [0, 1]; ``psnr``: the same in
    dB, infinite where nothing differs; both None where that path did not run.
    """

    batch: int
    timing: Timing
    memory: Memory
    flops: float
    moved_bytes: float
    least_seconds: float
    difference: float | None
    psnr: float | None

    @property
    def seconds(self) -> float:
        """The median for one face."""
        return self.timing.median / self.batch

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.flops / self.seconds


@dataclass(frozen=True)
class Row:
    """One candidate: its figures, or why there are none."""

    subject: str
    path: str
    precision: str
    figures: Figures | None = None
    failure: str | None = None


def take_turns(
    candidates: Sequence[Candidate],
    roofline: Mapping[str, Roofline],
    runs: int,
    warmup: int,
    progress: Callable[[str], None],
) -> list[Row]:
    """Start all, compare what they yield, then time them round by round → a row for each."""
    entrants = [_Entrant(candidate) for candidate in candidates]
    try:
        for entrant in entrants:
            progress(entrant.candidate.name)
            entrant.start()
        timings = alternately({entrant.candidate.name: entrant.seconds for entrant in entrants}, runs, warmup)
        for entrant in entrants:
            entrant.read_memory()
    finally:
        for entrant in entrants:
            entrant.close()
    expected = next((entrant.result for entrant in entrants if entrant.is_reference), None)
    return [_row(entrant, timings[entrant.candidate.name], roofline, expected) for entrant in entrants]


class _Entrant:
    """A candidate with its process and what is known of it so far. What fails is noted, and not asked again."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.failure: str | None = None
        self.result: np.ndarray | None = None
        self.memory: Memory | None = None
        self._worker: Worker | None = None

    @property
    def is_reference(self) -> bool:
        return (self.candidate.path, self.candidate.precision) == (REFERENCE, "float32")

    def start(self) -> None:
        try:
            self._worker = self.candidate.start()
            self.result = self._worker.result()
        except GpenError as error:
            self.failure = str(error)

    def seconds(self) -> float:
        if self._worker is None or self.failure is not None:
            return math.nan
        try:
            return self._worker.run()
        except GpenError as error:
            self.failure = str(error)
            return math.nan

    def read_memory(self) -> None:
        if self._worker is None or self.failure is not None:
            return
        try:
            self.memory = self._worker.memory()
        except GpenError as error:
            self.failure = str(error)

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()


def _row(entrant: _Entrant, timing: Timing, roofline: Mapping[str, Roofline], expected: np.ndarray | None) -> Row:
    candidate = entrant.candidate
    named = candidate.subject.name, candidate.path, candidate.precision
    if entrant.memory is None:
        return Row(*named, failure=entrant.failure)
    config, batch = candidate.subject.config, candidate.batch
    itemsize, roof = PRECISIONS[candidate.precision].itemsize, roofline[candidate.precision]
    figures = Figures(
        batch, timing, entrant.memory, flops(config), moved_bytes(config, itemsize, batch) / batch,
        least_seconds(config, roof.best, roof.bandwidth, itemsize, batch), *compared(entrant.result, expected),
    )  # fmt: skip
    return Row(*named, figures)


def compared(result: np.ndarray | None, expected: np.ndarray | None) -> tuple[float | None, float | None]:
    """The largest difference, and the PSNR in dB of values in [0, 1]; None without two results."""
    if result is None or expected is None:
        return None, None
    error = np.abs(result.astype(np.float64) - expected)
    square = float(np.square(error).mean())
    return float(error.max()), -10 * math.log10(square) if square else math.inf

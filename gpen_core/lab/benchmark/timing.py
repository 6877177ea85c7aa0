"""Times of several candidates, taken in turns, so that whatever slows the machine down meets all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

from ...errors import OptionError


@dataclass(frozen=True)
class Timing:
    """What one candidate took in each round, in seconds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)

    @property
    def most(self) -> float:
        return max(self.seconds)

    def times_as_fast_as(self, other: Timing) -> float:
        """The median, over the rounds, of what ``other`` took by what this took: above 1 where this is faster.

        Rounds are compared pair by pair, since two runs side by side share the machine's mood and two medians need not.
        """
        return median(theirs / mine for mine, theirs in zip(self.seconds, other.seconds, strict=True))


def time_alternately(
    candidates: Mapping[str, Callable[[], object]], runs: int = 5, warmup: int = 1
) -> dict[str, Timing]:
    """Call every candidate in turn, A B C A B C …: ``warmup`` rounds that don't count, then ``runs`` that do."""
    return alternately({name: partial(seconds_of, call) for name, call in candidates.items()}, runs, warmup)


def alternately(measures: Mapping[str, Callable[[], float]], runs: int = 5, warmup: int = 1) -> dict[str, Timing]:
    """As ``time_alternately`` for candidates that say themselves how many seconds they took: those in other processes.

    Raises OptionError for less than one run.
    """
    if runs < 1 or warmup < 0:
        raise OptionError(f"runs must be at least 1 and warmup at least 0, not {runs} and {warmup}")
    rounds = [{name: measure() for name, measure in measures.items()} for _ in range(warmup + runs)][warmup:]
    return {name: Timing(tuple(each[name] for each in rounds)) for name in measures}


def seconds_of(call: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

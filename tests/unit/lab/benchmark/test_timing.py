"""Candidates take turns, and are compared round by round."""

import pytest

from gpen_core.errors import OptionError
from gpen_core.lab.benchmark.timing import Timing, alternately, time_alternately


def test_candidates_are_called_in_turns_and_warm_up_for_nothing():
    called = []
    timings = time_alternately({name: lambda name=name: called.append(name) for name in "abc"}, runs=3, warmup=2)
    assert called == list("abc" * 5)
    assert list(timings) == list("abc")
    assert all(len(timing.seconds) == 3 and timing.least >= 0 for timing in timings.values())


def test_what_is_told_is_kept_but_for_the_warmup():
    told = {"a": iter([9.0, 1.0, 5.0, 2.0]), "b": iter([9.0, 4.0, 4.0, 4.0])}
    timings = alternately({name: lambda values=values: next(values) for name, values in told.items()}, 3, 1)
    assert timings["a"].seconds == (1.0, 5.0, 2.0)
    assert (timings["a"].median, timings["a"].least, timings["a"].most) == (2.0, 1.0, 5.0)


def test_rounds_are_compared_pair_by_pair():
    """A machine that is ten times slower for a while tells as little of the ratio as one that is not."""
    quick, slow = Timing((1.0, 10.0, 1.0, 10.0, 30.0)), Timing((2.0, 20.0, 2.0, 20.0, 60.0))
    assert quick.times_as_fast_as(slow) == 2.0
    assert slow.times_as_fast_as(quick) == 0.5
    noisy = Timing((3.0, 3.0, 3.0, 30.0, 90.0))  # its median is 3, quick's is 10: the ratio of medians would be 0.3
    assert quick.times_as_fast_as(noisy) == 3.0


@pytest.mark.parametrize(("runs", "warmup"), [(0, 1), (-1, 0), (1, -1)])
def test_no_run_is_refused(runs, warmup):
    with pytest.raises(OptionError, match="at least"):
        alternately({}, runs, warmup)

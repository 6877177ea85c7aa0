"""How much longer a run will take."""

import pytest

from gpen_core.pipeline.remaining import Remaining, in_words


def test_the_rest_takes_as_long_as_what_is_done_took():
    now = [100.0]
    remaining = Remaining(lambda: now[0])
    now[0] = 101
    assert remaining.text(0.5) is None  # too early
    now[0] = 130
    assert remaining.text(0.25) == "About 2 min left"
    assert remaining.text(0.26) is None  # just said
    now[0] = 160
    assert remaining.text(0.75) == "About 20 s left"
    now[0] = 190
    assert remaining.text(1.0) is None and remaining.text(0.0) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "5 s"), (41, "40 s"), (55, "1 min"), (3500, "58 min"), (3601, "1 h"), (4700, "1 h 20 min"), (7100, "2 h")],
)
def test_times_are_told_as_finely_as_anybody_can_foresee(seconds, text):
    assert in_words(seconds) == text

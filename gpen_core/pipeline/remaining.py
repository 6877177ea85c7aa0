"""How much longer a run will take, in words."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST, _EVERY = 2.0, 1.0  # seconds before something can be said, and between two sentences
_LEAST = 0.01  # share of the work before that, too
_MINUTE, _HOUR = 60, 3600


class Remaining:
    """Says now and then how long a run will still take, by how long it has taken so far.

    Args:
        clock: Seconds from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._began = clock, clock()
        self._said = self._began

    def text(self, share: float) -> str | None:
        """What to say when this share of the work, in [0, 1], is done; None: it is too early, or something was just said."""
        now = self._clock()
        passed = now - self._began
        if passed < _FIRST or share < _LEAST or share >= 1 or now - self._said < _EVERY:
            return None
        self._said = now
        return f"About {in_words(passed * (1 - share) / share)} left"


def in_words(seconds: float) -> str:
    """Such as "40 s", "3 min" or "1 h 20 min": no finer than anybody can foresee."""
    if seconds < 0.9 * _MINUTE:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < _HOUR:
        return f"{max(1, round(seconds / _MINUTE))} min"
    hours, minutes = divmod(10 * round(seconds / _MINUTE / 10), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"

"""Whether other programs want the cores: how long threads of this process were ready to run, and did not."""

from __future__ import annotations

import time
from pathlib import Path

_TASKS = Path("/proc/self/task")  # Linux: a folder for each thread


class Waiting:
    """Watches from when it is made."""

    def __init__(self) -> None:
        self._before, self._begun = _waited(), time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long it has watched."""
        return time.perf_counter() - self._begun

    @property
    def share(self) -> float:
        """Of the time since, the part that the thread kept waiting longest has waited; 1 where the system doesn't tell."""
        now, passed = _waited(), self.seconds
        if not now or not passed:
            return 1.0
        return max(waited - self._before.get(thread, 0) for thread, waited in now.items()) / (1e9 * passed)


def _waited() -> dict[str, int]:
    """Nanoseconds of each thread, by its number."""
    found = {}
    for thread in _TASKS.iterdir() if _TASKS.is_dir() else ():
        try:
            found[thread.name] = int((thread / "schedstat").read_text().split()[1])
        except (OSError, IndexError, ValueError):  # it has ended, or the kernel doesn't count
            continue
    return found

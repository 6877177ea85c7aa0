"""Whether other programs want the cores: how long threads of this process were ready to run, and did not."""

from __future__ import annotations

import time
from pathlib import Path

_TASKS = Path("/proc/self/task")  # Linux: a folder for each thread


class Waiting:
    """Watches from when it is made."""

    def __init__(self) -> None:
        self._before, self._begun = _times(), time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long it has watched."""
        return time.perf_counter() - self._begun

    @property
    def share(self) -> float:
        """Of the time since, the part that the thread kept waiting longest has waited; 1 where the system doesn't tell."""
        passed, since = self.seconds, self._since()
        return max(waited for _, waited in since) / (1e9 * passed) if since and passed else 1.0

    def share_beyond(self, threads: int, cores: int) -> float:
        """Of the time since, what the threads waited together, beyond what so many of them make each other wait.

        Where nobody else wants the cores, only one runs at times, and ``cores`` in the time that remains: how long that is
        follows from how long they ran. 1 where the system doesn't tell.
        """
        passed, since = self.seconds, self._since()
        if not since or not passed:
            return 1.0
        ran, waited = (1e-9 * sum(part) for part in zip(*since))
        at_once = max(0.0, ran - passed) / (cores - 1)
        return (waited - (threads - cores) * at_once) / passed

    def _since(self) -> list[tuple[int, int]]:
        """Nanoseconds that each thread ran, and waited."""
        never = (0, 0)
        return [
            (ran - self._before.get(thread, never)[0], waited - self._before.get(thread, never)[1])
            for thread, (ran, waited) in _times().items()
        ]


def _times() -> dict[str, tuple[int, int]]:
    """Nanoseconds that each thread ran, and waited, by its number."""
    found = {}
    for thread in _TASKS.iterdir() if _TASKS.is_dir() else ():
        try:
            ran, waited = (thread / "schedstat").read_text().split()[:2]
        except (OSError, ValueError):  # it has ended, or the kernel doesn't count
            continue
        found[thread.name] = int(ran), int(waited)
    return found

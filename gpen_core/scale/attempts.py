"""Who works on what: so that an image which ends every worker is set aside, and one that is done is not done again."""

from __future__ import annotations

from typing import Any


class Attempts:
    """Counts how often each job was begun. Runs as one actor: what it knows survives the workers.

    Args:
        most: How often a job is worked on; a worker that begins it once more only sets it aside.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._begun: dict[int, int] = {}
        self._done: dict[int, dict[str, Any]] = {}
        self._workers: dict[int, tuple[str, int]] = {}

    def begin(self, number: int, worker: tuple[str, int]) -> tuple[int, dict[str, Any] | None]:
        """A worker (its machine and process) begins a job → which attempt this is; and the outcome, if there is one already.

        Ray hands out a whole batch again if its worker ended within it.
        """
        if number in self._done:
            return self._begun[number], self._done[number]
        self._begun[number] = self._begun.get(number, 0) + 1
        if self._begun[number] <= self._most:
            self._workers[number] = worker
        return self._begun[number], None

    def finish(self, number: int, outcome: dict[str, Any]) -> None:
        """A job is done, or cannot be done."""
        self._workers.pop(number, None)
        self._done[number] = outcome

    def forget(self, numbers: list[int]) -> None:
        """Outcomes that have arrived are not asked for again."""
        for number in numbers:
            self._done.pop(number, None)
            self._begun.pop(number, None)

    def under_way(self) -> dict[int, tuple[str, int]]:
        """The jobs that were begun and are not done, with their workers."""
        return dict(self._workers)

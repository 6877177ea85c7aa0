"""What a run writes down: CSV files that survive a resumption without a gap or a row too many, and TensorBoard's events."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...files import written_whole


class CsvLog:
    """One row per logged step. Opened after step ``last``, it forgets rows of later steps: a killed run wrote them, and they
    will be written again. A column that earlier rows lack stays empty there."""

    def __init__(self, path: Path, last: int) -> None:
        self.path = path
        rows = self._read()
        self.columns: list[str] = list(rows[0]) if rows else []
        if path.exists():
            self._write([row for row in rows if int(row["step"]) <= last])

    def add(self, row: Mapping[str, Any]) -> None:
        new = [column for column in row if column not in self.columns]
        if new or not self.path.exists():
            self.columns += new
            self._write(self._read())
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerow(row)

    def _read(self) -> list[dict[str, str]]:
        """Whole rows only: the last may have been cut off in the middle."""
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if None not in row.values() and None not in row]
        return [row for row in rows if row.get("step", "").isdigit()]

    def _write(self, rows: list[dict[str, str]]) -> None:
        with written_whole(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns, restval="")
            writer.writeheader()
            writer.writerows(rows)


class Meter:
    """Means of the losses since the last line of the log, each over the steps that had it, and the seconds a step took.

    The sums are part of a run's state, so that the line after a resumption is what it would have been.
    """

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self._sums: dict[str, list[float]] = {key: list(value) for key, value in (state or {}).items()}
        self._steps, self._began = 0, time.perf_counter()

    def add(self, losses: Mapping[str, float]) -> None:
        self._steps += 1
        for name, value in losses.items():
            total = self._sums.setdefault(name, [0.0, 0.0])
            total[0] += value
            total[1] += 1

    def state(self) -> dict[str, list[float]]:
        return {key: list(value) for key, value in self._sums.items()}

    def take(self) -> tuple[dict[str, float], float]:
        """Means by name and seconds per step, including waiting for pictures; resets the sums."""
        means = {name: total / count for name, (total, count) in self._sums.items()}
        seconds = (time.perf_counter() - self._began) / max(1, self._steps)
        self._sums, self._steps, self._began = {}, 0, time.perf_counter()
        return means, seconds


class Logs:
    """Losses by step in ``log.csv``, measures of held-out pictures in ``validation.csv``, both in TensorBoard where it is
    wanted and installed."""

    def __init__(self, folder: Path, last: int, *, tensorboard: bool) -> None:
        self._csv = {name: CsvLog(folder / f"{name}.csv", last) for name in ("log", "validation")}
        self._board = _board(folder / "tensorboard", last) if tensorboard else None

    def add(self, name: str, step: int, values: Mapping[str, float], **more: Any) -> None:
        self._csv[name].add({"step": step, **more, **{key: f"{value:.6g}" for key, value in values.items()}})
        if self._board is not None:
            for key, value in values.items():
                self._board.add_scalar(f"{name}/{key}", value, step)

    def close(self) -> None:
        if self._board is not None:
            self._board.close()


class NoLogs:
    """Of the processes that write nothing."""

    def add(self, name: str, step: int, values: Mapping[str, float], **more: Any) -> None:
        pass

    def close(self) -> None:
        pass


def _board(folder: Path, last: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=last + 1)

"""What a run writes down: CSV files that survive a resumption without a gap or a row too many, and TensorBoard's events."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import written_whole


class CsvLog:
    """One row per logged step. Opened after step ``last``, it forgets rows of later steps: a killed run wrote them, and they
    will be written again. A column that earlier rows lack stays empty there."""

    def __init__(self, path: Path, last: int) -> None:
        self.path = path
        rows = self._read()
        kept = [row for row in rows if int(row["step"]) <= last]
        self.columns: list[str] = list(rows[0]) if rows else []
        if len(kept) != len(rows):
            self._write(kept)

    def add(self, row: Mapping[str, Any]) -> None:
        new = [column for column in row if column not in self.columns]
        if new or not self.path.exists():
            self.columns += new
            self._write(self._read())
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerow(row)

    def _read(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if (row["step"] or "").isdigit()]

    def _write(self, rows: list[dict[str, str]]) -> None:
        with written_whole(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns, restval="")
            writer.writeheader()
            writer.writerows(rows)


class Logs:
    """Losses by step in ``log.csv``, measures of held-out pictures in ``validation.csv``, both in TensorBoard where it is
    installed."""

    def __init__(self, folder: Path, last: int) -> None:
        self._csv = {name: CsvLog(folder / f"{name}.csv", last) for name in ("log", "validation")}
        self._board = _board(folder / "tensorboard", last)

    def add(self, name: str, step: int, values: Mapping[str, float], **more: Any) -> None:
        self._csv[name].add({"step": step, **more, **{key: f"{value:.6g}" for key, value in values.items()}})
        if self._board is not None:
            for key, value in values.items():
                self._board.add_scalar(f"{name}/{key}", value, step)

    def close(self) -> None:
        if self._board is not None:
            self._board.close()


def _board(folder: Path, last: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=last + 1)

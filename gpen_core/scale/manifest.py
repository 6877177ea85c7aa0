"""What became of each image, in Parquet files beside the results: the record of a run, and where the next one goes on."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any, cast

from ..files import written_whole
from ..jobs.places import Address
from ..jobs.plan import Earlier
from .outcome import DONE, Outcome, outcome_schema

_WHOLE, _PART = "manifest.parquet", "part-"
_ROWS_A_PART, _SECONDS_A_PART = 500, 10.0


class Manifest:
    """A folder of Parquet files; of two rows of one target, the later one counts.

    New rows are written as parts, each complete or not at all, under a name that follows from their content: writing them
    again changes nothing. ``close`` joins all into one file.

    Args:
        folder: A path, or an address.
        rows_a_part: How many rows wait at most until they are written; ten seconds at most in any case.
    """

    def __init__(self, folder: Path, rows_a_part: int = _ROWS_A_PART) -> None:
        self.folder, self._rows_a_part, self._written = folder, rows_a_part, time.monotonic()
        self._waiting: list[dict[str, Any]] = []

    def read(self) -> Any:
        """All rows that count, as a pyarrow table sorted by target."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        found = [
            pq.read_table(io.BytesIO(_read(self.folder / name)), schema=outcome_schema()) for name in self._names()
        ]
        return _latest(pa.concat_tables([outcome_schema().empty_table(), *found]))

    def earlier(self, settings: str) -> Earlier:
        """What a run with the same settings planned, and what of it is done."""
        import pyarrow.compute as pc

        rows = self.read()
        mine = rows.filter(pc.equal(rows["settings"], settings))
        done = mine.filter(pc.equal(mine["status"], DONE))
        return Earlier(frozenset(mine["target"].to_pylist()), frozenset(done["target"].to_pylist()))

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Record rows; they are written when there are enough of them."""
        self._waiting += [asdict(outcome) for outcome in outcomes]
        if len(self._waiting) >= self._rows_a_part or time.monotonic() - self._written > _SECONDS_A_PART:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        import pyarrow as pa

        self._written = time.monotonic()
        if self._waiting:
            rows = pa.Table.from_pylist(self._waiting, outcome_schema())
            content = _parquet(rows)
            _write(self.folder / f"{_PART}{hashlib.sha256(content).hexdigest()[:16]}.parquet", content)
            self._waiting.clear()

    def close(self) -> None:
        """Join all rows into one file. Stopped at any moment, the next reader sees the same rows."""
        self.flush()
        parts = [name for name in self._names() if name != _WHOLE]
        if parts:
            _write(self.folder / _WHOLE, _parquet(self.read()))
        for name in parts:
            _remove(self.folder / name)

    def _names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        if isinstance(self.folder, Address):
            names: Iterable[PurePath] = self.folder.files(recursive=False)
        else:
            names = self.folder.iterdir()
        return sorted(path.name for path in names if path.name == _WHOLE or path.name.startswith(_PART))


def _latest(rows: Any) -> Any:
    """Of each target the last row."""
    import numpy as np

    ordered = rows.sort_by([("target", "ascending"), ("finished", "ascending")])
    targets = ordered["target"].to_numpy(zero_copy_only=False)
    return ordered if len(targets) == 0 else ordered.take(np.flatnonzero(np.append(targets[1:] != targets[:-1], True)))


def _parquet(rows: Any) -> bytes:
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(rows, file, compression="zstd")
    return file.getvalue()


def _read(path: Path) -> bytes:
    if isinstance(path, Address):
        return bytes(cast(Address, path).ask(lambda system, key: system.cat_file(key)))
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    if isinstance(path, Address):
        path.parent.ask(lambda system, key: system.makedirs(key, exist_ok=True))
        path.ask(lambda system, key: system.pipe_file(key, content))
        return
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def _remove(path: Path) -> None:
    if isinstance(path, Address):
        path.ask(lambda system, key: system.rm_file(key))
    else:
        path.unlink(missing_ok=True)

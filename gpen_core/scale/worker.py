"""A worker: loads the networks once, then restores what it is handed."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..files import file_sha256
from ..heap import keep_freed_memory
from ..jobs import FileOptions, Job, ToolOptions, load_tools, restore_job
from ..jobs.places import place, text_of, valid
from ..pipeline import Hooks
from ..video.segments import Segment, restore_segment, segment_folder
from .clips import Piece, segment_text
from .outcome import DONE, FAILED, Outcome, outcome_schema
from .pins import Pins, with_local_files


class Worker:
    """One process of the pool; Ray makes it, and calls it with one batch of jobs after the other.

    Args:
        options: What images are restored with.
        pins: The files of weights.
        files: How files are read and written.
        settings: Fingerprint of all these.
        attempts: The actor that counts them.
        most: How often a job is begun before it is set aside.
    """

    def __init__(
        self, options: ToolOptions, pins: Pins, files: FileOptions, settings: str, attempts: Any, most: int
    ) -> None:
        keep_freed_memory()  # this process is ours
        self._tools = load_tools(with_local_files(options, pins))
        self._files, self._settings, self._attempts, self._most = files, settings, attempts, most
        self._me = (platform.node(), os.getpid())

    def __call__(self, batch: Any) -> Any:
        """Restore a batch: a pyarrow table of jobs → one of outcomes."""
        import pyarrow as pa

        rows = [self._outcome(row) for row in batch.to_pylist()]
        return pa.Table.from_pylist(rows, outcome_schema().append(pa.field("number", pa.int64())))

    def _outcome(self, row: dict[str, Any]) -> dict[str, Any]:
        import ray

        attempt, known = ray.get(self._attempts.begin.remote(row["number"], self._me))
        if known is not None:
            return dict(known)
        job, started = _job(row), time.time()
        if attempt > self._most:
            outcome = _failed(
                job, f"its worker ended each of {self._most} times: it may take more memory than there is"
            )
        else:
            outcome = self._restored(job) if row["segment"] is None else self._segment(job, row["segment"])
        outcome = replace(
            outcome, settings=self._settings, attempts=attempt, worker=f"{self._me[0]}:{self._me[1]}",
            seconds=time.time() - started,
        )  # fmt: skip
        told = {**asdict(outcome), "number": row["number"]}
        ray.get(self._attempts.finish.remote(row["number"], told))
        return told

    def _restored(self, job: Job) -> Outcome:
        """An image that cannot be restored is an outcome, too: it must not stop the others."""
        notes: list[str] = []
        files: list[tuple[int, str]] = []
        try:
            done = restore_job(
                job, self._tools, self._files, Hooks(say=notes.append),
                on_written=lambda path: files.append((path.stat().st_size, file_sha256(path))),
            )  # fmt: skip
        except Exception as error:  # whatever one image does, the others are restored
            return _failed(job, str(error) or type(error).__name__)
        height, width = done.size
        size, digest = files[-1]
        return Outcome(
            text_of(job.source), text_of(job.target), DONE, valid(done.text), "", valid("\n".join(dict.fromkeys(notes))),
            height, width, len(done.faces), size, digest,
        )  # fmt: skip

    def _segment(self, job: Job, segment: bytes) -> Outcome:
        """One segment of a clip; the outcome's text tells of it."""
        notes: list[str] = []
        try:
            done = restore_segment(
                job.source, segment_folder(job.target), job.target.suffix, Segment(**json.loads(segment)),
                self._tools.for_clips(self._files), Hooks(say=notes.append),
            )  # fmt: skip
        except Exception as error:  # as with images
            return _failed(job, str(error) or type(error).__name__)
        told = valid("\n".join(dict.fromkeys(notes)))
        return Outcome(text_of(job.source), text_of(job.target), DONE, segment_text(done), notes=told)


def piece_row(number: int, piece: Piece) -> dict[str, Any]:
    """A piece as a row for Ray."""
    job = piece.job
    return {
        "number": number,
        "segment": None if piece.segment is None else json.dumps(asdict(piece.segment)).encode(),
        "source": _written(job.source),
        "target": _written(job.target),
        "pair": None if job.pair is None else _written(job.pair),
        "faces": None if job.faces is None else _written(job.faces),
        "only_beside": job.only_beside,
    }


def _job(row: dict[str, Any]) -> Job:
    pair, faces = (None if row[name] is None else _place(row[name]) for name in ("pair", "faces"))
    return Job(_place(row["source"]), _place(row["target"]), pair, faces, row["only_beside"])


def _written(path: Path) -> bytes:
    """The name of a file need not be valid text."""
    return str(path).encode("utf-8", "surrogateescape")


def _place(name: bytes) -> Path:
    return place(name.decode("utf-8", "surrogateescape"))


def _failed(job: Job, reason: str) -> Outcome:
    return Outcome(text_of(job.source), text_of(job.target), FAILED, valid(reason))

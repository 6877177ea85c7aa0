"""Clips on many machines: their segments are jobs of their own, and the last one to arrive lets the clip be joined."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..files import file_sha256
from ..jobs import FileOptions, Job
from ..jobs.places import is_remote, text_of, valid
from ..video.animated import FILMS
from ..video.files import is_clip
from ..video.segments import (
    Restored,
    Segment,
    find_segments,
    join_segments,
    remove_segments,
    restored_from,
    segment_folder,
)
from .cluster import reason_of
from .outcome import DONE, FAILED, Outcome

_RETRIES = (
    1  # a machine may have gone; a clip that ends its worker does so each time, and a new one takes seconds to start
)


@dataclass(frozen=True)
class Piece:
    """What a worker is handed: a whole job, or one of the segments of a clip."""

    job: Job
    segment: Segment | None = None


def pieces_of(jobs: Sequence[Job], scale: float | str, files: FileOptions, ray: Any) -> list[Piece]:
    """Jobs, and clips as their segments; the clips are looked through by the cluster, all at once.

    A clip that lies behind an address, or shall, is one piece: it would have to be fetched for each of them.
    """
    look = ray.remote(_look_through).options(num_cpus=1, max_retries=_RETRIES)
    asked = {number: look.remote(job, scale, files) for number, job in enumerate(jobs) if _is_cut(job)}
    pieces: list[Piece] = []
    for number, job in enumerate(jobs):
        segments = _found(asked[number], ray) if number in asked else ()
        pieces += [Piece(job, segment) for segment in segments] if len(segments) > 1 else [Piece(job)]
    return pieces


def _found(asked: Any, ray: Any) -> tuple[Segment, ...]:
    try:
        found: tuple[Segment, ...] = ray.get(asked)
    except ray.exceptions.RayError:  # it ended its worker: as a piece, its attempts are counted
        return ()
    return found


def _is_cut(job: Job) -> bool:
    return (
        is_clip(job.source)
        and job.target.suffix.lower() in FILMS
        and not is_remote(job.source)
        and not is_remote(job.target)
    )


def _look_through(job: Job, scale: float | str, files: FileOptions) -> tuple[Segment, ...]:
    try:
        return find_segments(job.source, scale, files.start, files.end, files.segment_frames)
    except Exception:  # whoever restores it says what is wrong
        return ()


class Joiner:
    """Collects the outcomes of segments, and makes of those of a clip that of the clip.

    Args:
        pieces: All that was handed out, by number.
        files: How files are read and written.
        ray: The package, connected: a worker's machine joins.
    """

    def __init__(self, pieces: Sequence[Piece], files: FileOptions, ray: Any) -> None:
        self._pieces, self._files, self._ray = pieces, files, ray
        self._arrived: dict[Job, dict[int, Outcome]] = {}
        self._segments: dict[Job, list[Segment]] = {}
        for piece in pieces:
            if piece.segment is not None:
                self._segments.setdefault(piece.job, []).append(piece.segment)

    def take(self, number: int, outcome: Outcome) -> Outcome | None:
        """An outcome has arrived → that of its job; None while segments are missing."""
        piece = self._pieces[number]
        if piece.segment is None:
            return outcome
        arrived = self._arrived.setdefault(piece.job, {})
        arrived[piece.segment.number] = outcome
        segments = self._segments[piece.job]
        if len(arrived) < len(segments):
            return None
        outcomes = [arrived[segment.number] for segment in segments]
        failed = next((one for one in outcomes if one.status == FAILED), None)
        if failed is not None:
            return failed
        done = [restored_from(json.loads(one.text)) for one in outcomes]
        whole = self._joined(piece.job, segments, done)
        notes = dict.fromkeys(note for one in [*outcomes, whole] for note in one.notes.splitlines())
        return replace(
            whole, settings=outcome.settings, attempts=max(one.attempts for one in outcomes), worker=outcome.worker,
            seconds=sum(one.seconds for one in outcomes), notes="\n".join(notes),
        )  # fmt: skip

    def _joined(self, job: Job, segments: Sequence[Segment], done: Sequence[Restored]) -> Outcome:
        join = self._ray.remote(joined).options(num_cpus=0, max_retries=_RETRIES)
        try:
            whole: Outcome = self._ray.get(join.remote(job, segments, done, self._files))
        except self._ray.exceptions.RayError as error:  # it ended its worker: the others must not stop
            reason = f"its segments could not be joined: {reason_of(error)}"
            return Outcome(text_of(job.source), text_of(job.target), FAILED, valid(reason))
        return whole


def joined(job: Job, segments: Sequence[Segment], done: Sequence[Restored], files: FileOptions) -> Outcome:
    """Join a clip → its outcome."""
    folder = segment_folder(job.target)
    outcome = Outcome(text_of(job.source), text_of(job.target), DONE)
    try:
        report = join_segments(job.source, job.target, folder, segments, done, files.start, files.end)
        remove_segments(folder)
    except Exception as error:  # as with images: the others must not stop
        return replace(outcome, status=FAILED, text=valid(str(error) or type(error).__name__))
    height, width = report.size
    return replace(
        outcome, text=f"{report.text()} {width}×{height}", height=height, width=width,
        bytes=job.target.stat().st_size, sha256=file_sha256(job.target),
    )  # fmt: skip


def segment_text(done: Restored) -> str:
    """What a worker tells of a segment."""
    return json.dumps(asdict(done))

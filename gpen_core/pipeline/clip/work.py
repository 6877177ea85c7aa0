"""Restore the faces of a clip, those of several frames in a batch, and protect them; a face that stands still is done once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from torch import Tensor

from ...checkpoints import GpenModel
from ...errors import RestorationError
from ...types import FaceCrop, RestoredFace
from ..cutting import cut_out
from ..hooks import Hooks
from ..options import RestoreOptions
from ..protect.base import Protection, protect_face
from ..restore import batch_size_for, facts_of, run_batch, template_for
from .moment import Moment

_SAME = 0.5 / 255  # greatest difference of two crops that are one picture
_MOST_WAITING = 16  # frames: where few have faces, a batch does not wait for more


@dataclass
class _Job:
    """A face's crop, and the job whose result it shares, if it looks the same."""

    moment: int
    crop: FaceCrop
    same_as: _Job | None = None
    done: RestoredFace | None = None


def worked(
    moments: Iterable[Moment],
    model: GpenModel,
    options: RestoreOptions,
    hooks: Hooks,
    total: int = 0,
) -> Generator[Moment, None, None]:
    """The same moments with ``restored``: what the model made of each face, of one that stands still the same tensor."""
    worker = _Worker(model, options, hooks, total)
    waiting: list[Moment] = []
    for moment in moments:
        waiting.append(moment)
        worker.add(len(waiting) - 1, moment)
        if worker.is_full or len(waiting) >= _MOST_WAITING or not worker.jobs:
            yield from worker.finish(waiting)
            waiting = []
    yield from worker.finish(waiting)


def protected(moments: Iterable[Moment], steps: Sequence[Protection]) -> Iterator[Moment]:
    """The same moments, whose restored faces have in them what of each may be taken."""
    if not steps:
        yield from moments
        return
    last: dict[int, tuple[Tensor, RestoredFace]] = {}

    def of(face: RestoredFace, frame: Callable[[], Tensor]) -> RestoredFace:
        track = face.crop.face.track
        pixels, done = last.get(track, (None, None))
        if done is None or pixels is not face.pixels:
            done = protect_face(face, frame(), steps)
            last[track] = face.pixels, done
        judged = replace(face.crop.face, quality=done.crop.face.quality)
        return replace(done, crop=replace(face.crop, face=judged))

    for moment in moments:
        frame = cache(moment.pixels)  # converted once, and only where a face has to be judged
        yield replace(moment, restored=tuple(of(face, frame) for face in moment.restored))
        here = {face.track for face in moment.faces}
        last = {track: kept for track, kept in last.items() if track in here}


class _Worker:
    def __init__(self, model: GpenModel, options: RestoreOptions, hooks: Hooks, total: int) -> None:
        self.model, self.hooks, self.total = model, hooks, total
        self.template = template_for(model, options)
        self.batch_size = batch_size_for(model, options)
        self.jobs: list[_Job] = []
        self._last: dict[int, _Job] = {}

    @property
    def is_full(self) -> bool:
        return sum(job.same_as is None for job in self.jobs) >= self.batch_size

    def add(self, place: int, moment: Moment) -> None:
        """Cut out the faces of the next moment."""
        if not moment.faces:
            return
        pixels = moment.pixels()
        for face in moment.faces:
            crop = cut_out(pixels, face, self.model, self.template)
            before = self._last.get(face.track) if face.track else None
            same = before is not None and float((before.crop.pixels - crop.pixels).abs().amax()) < _SAME
            job = _Job(place, crop, before if same else None)
            self.jobs.append(job)
            if not same:
                self._last[face.track] = job

    def finish(self, waiting: Sequence[Moment]) -> list[Moment]:
        """Run the network over all that was cut out."""
        fresh = [job for job in self.jobs if job.same_as is None]
        for start in range(0, len(fresh), self.batch_size):
            self._run(fresh[start : start + self.batch_size])
        restored: list[list[RestoredFace]] = [[] for _ in waiting]
        for job in self.jobs:
            done = (job.same_as or job).done
            if done is None:
                raise RestorationError("a face was not restored in its batch: please report this")
            restored[job.moment].append(replace(done, crop=job.crop))
        self.jobs = []
        here = {face.track for moment in waiting for face in moment.faces}
        self._last = {track: job for track, job in self._last.items() if track in here}
        if waiting:
            shown = next((faces[0].pixels for faces in reversed(restored) if faces), None)
            self.hooks.progress("restore", waiting[-1].number + 1, self.total, shown)
        return [replace(moment, restored=tuple(faces)) for moment, faces in zip(waiting, restored, strict=True)]

    def _run(self, jobs: Sequence[_Job]) -> None:
        made, self.batch_size = run_batch(self.model, [job.crop for job in jobs], self.batch_size, self.hooks)
        for job, pixels in zip(jobs, made.to(jobs[0].crop.pixels.device), strict=True):
            facts = facts_of(job.crop.face, self.model)
            job.done = RestoredFace(job.crop, pixels.clone(), self.model.task.name, facts=facts)

"""Restore and protect the faces of a clip, those of several frames in a batch; a face that stands still is done once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

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
    steps: Sequence[Protection],
    hooks: Hooks,
    total: int = 0,
) -> Iterator[Moment]:
    """The same moments with ``restored``: what the model made of each face, and what of that may be taken."""
    worker = _Worker(model, options, steps, hooks, total)
    waiting: list[Moment] = []
    for moment in moments:
        waiting.append(moment)
        worker.add(len(waiting) - 1, moment)
        if worker.is_full or len(waiting) >= _MOST_WAITING or not worker.jobs:
            yield from worker.finish(waiting)
            waiting = []
    yield from worker.finish(waiting)


class _Worker:
    def __init__(
        self, model: GpenModel, options: RestoreOptions, steps: Sequence[Protection], hooks: Hooks, total: int
    ) -> None:
        self.model, self.steps, self.hooks, self.total = model, steps, hooks, total
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
            self._run(fresh[start : start + self.batch_size], waiting)
        restored: list[list[RestoredFace]] = [[] for _ in waiting]
        for job in self.jobs:
            done = (job.same_as or job).done
            if done is None:
                raise RestorationError("a face was not restored in its batch: please report this")
            face = replace(job.crop.face, quality=done.crop.face.quality)
            restored[job.moment].append(replace(done, crop=replace(job.crop, face=face)))
        self.jobs = []
        here = {face.track for moment in waiting for face in moment.faces}
        self._last = {track: job for track, job in self._last.items() if track in here}
        if waiting:
            shown = next((faces[0].pixels for faces in reversed(restored) if faces), None)
            self.hooks.progress("restore", waiting[-1].number + 1, self.total, shown)
        return [replace(moment, restored=tuple(faces)) for moment, faces in zip(waiting, restored, strict=True)]

    def _run(self, jobs: Sequence[_Job], waiting: Sequence[Moment]) -> None:
        made, self.batch_size = run_batch(self.model, [job.crop for job in jobs], self.batch_size, self.hooks)
        for job, pixels in zip(jobs, made.to(jobs[0].crop.pixels.device), strict=True):
            moment = waiting[job.moment]
            face = RestoredFace(
                job.crop, pixels.clone(), self.model.task.name, facts=facts_of(job.crop.face, self.model)
            )
            job.done = protect_face(face, moment.pixels(), self.steps) if self.steps else face

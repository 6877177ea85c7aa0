"""Which faces of a clip are worked on: decided once for a whole track."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch

from ...checkpoints import GpenModel
from ...faces.quality import load_quality
from ...faces.selection import Reference, SelectOptions, choose_faces
from ...types import Face
from ..options import Settings
from ..protect import ProtectTools
from ..rate import rate_faces
from ..restore import template_for
from .moment import Moment

_VOTERS = 5  # frames from a track's first that decide about it


def chosen(
    moments: Iterable[Moment],
    settings: Settings,
    reference: Reference | None,
    tools: ProtectTools,
    model: GpenModel,
) -> Iterator[Moment]:
    """The same moments with the faces to work on. A track is judged by its first frames, and the verdict holds to its end."""
    if reference is None and settings.select == SelectOptions():
        yield from moments
        return
    judge = _Judge(settings, reference, tools, model)
    waiting: deque[Moment] = deque()
    for moment in moments:
        waiting.append(moment)
        if len(waiting) >= _VOTERS:
            yield judge.with_chosen(waiting)
            waiting.popleft()
    while waiting:
        yield judge.with_chosen(waiting)
        waiting.popleft()


class _Judge:
    def __init__(self, settings: Settings, reference: Reference | None, tools: ProtectTools, model: GpenModel) -> None:
        self._select, self._reference = settings.select, reference
        self._estimator = (tools.quality or load_quality()) if settings.select.asks_quality else None
        self._side, self._template = model.config.input_size, template_for(model, settings.restore)
        self._verdicts: dict[int, bool] = {}

    def with_chosen(self, waiting: Sequence[Moment]) -> Moment:
        """The first of those that wait."""
        moment = waiting[0]
        if any(face.track not in self._verdicts for face in moment.faces):
            self._decide(waiting)
        return replace(moment, faces=tuple(face for face in moment.faces if self._verdicts[face.track]))

    def _decide(self, waiting: Sequence[Moment]) -> None:
        rated = [face for place, moment in enumerate(waiting) for face in self._rated(moment, place)]
        likeness = None
        if self._reference is not None:
            frames = torch.stack([moment.pixels()[:3] for moment in waiting])
            likeness = self._reference.likeness(frames, rated)
        selection = choose_faces(rated, self._select, likeness=likeness)
        for choice in selection.choices:
            self._verdicts.setdefault(choice.face.track, choice.chosen)

    def _rated(self, moment: Moment, place: int) -> Sequence[Face]:
        faces = [replace(face, frame=place) for face in moment.faces]
        if self._estimator is None:
            return faces
        one = [replace(face, frame=0) for face in faces]
        rated = rate_faces(moment.pixels()[None], one, self._estimator, self._side, self._template)
        return [replace(face, frame=place) for face in rated]

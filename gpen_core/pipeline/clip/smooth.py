"""Smooth the landmarks of each track, and fill in the frames in which a face was missed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ...faces.smoothing import Sight, smoothed_at
from .moment import Moment

_HISTORY = 48  # sights of a track before the present one: what tells the detector's noise
_SHORTEST = 3  # frames: what appears for fewer in the middle of a scene is no face


def smoothed(moments: Iterable[Moment], look_ahead: int) -> Iterator[Moment]:
    """The same moments, ``look_ahead`` frames later, with faces where the whole of their tracks near each frame puts them.

    Faces that only a frame or two show, between others of the same scene that do not, are dropped.
    """
    if look_ahead == 0:
        yield from moments
        return
    sights: dict[int, deque[Sight]] = {}
    waiting: deque[Moment] = deque()
    for moment in moments:
        for face in moment.faces:
            sights.setdefault(face.track, deque(maxlen=_HISTORY + look_ahead + 1)).append(Sight.of(face))
        waiting.append(moment)
        if len(waiting) > look_ahead:
            yield _smoothed(waiting, sights, look_ahead)
            waiting.popleft()
            _forget(sights, waiting[0].number - look_ahead)
    while waiting:
        yield _smoothed(waiting, sights, look_ahead, ended=True)
        waiting.popleft()


def _smoothed(waiting: deque[Moment], sights: dict[int, deque[Sight]], look_ahead: int, ended: bool = False) -> Moment:
    """The first of those that wait."""
    moment = waiting[0]
    scene = next((later.number for later in list(waiting)[1:] if later.begins_scene), None)
    last = waiting[-1].number
    faces = []
    for track, seen in sights.items():
        face = smoothed_at(moment.number, seen, look_ahead)
        if face is None:
            continue
        # Whether the scene goes on for long enough after the face is gone is known only if that is within sight.
        gone = (last if scene is None else scene - 1) - seen[-1].frame
        brief = len(seen) < _SHORTEST and seen[0].frame > 0 and gone >= _SHORTEST and not ended
        if not brief:
            faces.append(replace(face, track=track))
    return replace(moment, faces=tuple(faces))


def _forget(sights: dict[int, deque[Sight]], before: int) -> None:
    for track in [track for track, seen in sights.items() if seen[-1].frame < before]:
        del sights[track]

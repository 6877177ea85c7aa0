"""Smooth the landmarks of each track, and fill in the frames in which a face was missed."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ...faces.carrying import Sight, anchored_at
from ...faces.registration import motion_between
from ...faces.smoothing import CARRIED, DETECTED, Jitter, smoothed_at
from ...types import Face
from .moment import Moment

HISTORY = 48  # sights of a track before the present one: what is averaged, and tells the detector's noise
_SHORTEST = 3  # frames: what appears for fewer in the middle of a scene is no face


def smoothed(moments: Iterable[Moment], look_ahead: int) -> Generator[Moment, None, None]:
    """The same moments, ``look_ahead`` frames later, with faces where the whole of their tracks near each frame puts them.

    Twice: landmarks are first averaged along the motion that the pixels show, which leaves no more noise than that motion has,
    and then along a smooth path. Faces that only a frame or two show, between others of the same scene, are dropped.
    """
    if look_ahead == 0:
        yield from moments
        return
    second = look_ahead // 4
    carried = _Pass(look_ahead - second, DETECTED, registers=True).run(moments)
    yield from _Pass(second, CARRIED, registers=False).run(carried) if second else carried


class _Pass:
    """One smoothing of all tracks.

    Args:
        reach: Frames to each side.
        jitter: Of the landmarks.
        registers: Whether to read the motion of each face off its pixels.
    """

    def __init__(self, reach: int, jitter: Jitter, *, registers: bool) -> None:
        self._reach, self._jitter, self._registers = reach, jitter, registers
        self._sights: dict[int, deque[Sight]] = {}
        self._waiting: deque[Moment] = deque()

    def run(self, moments: Iterable[Moment]) -> Iterator[Moment]:
        """The same moments, ``reach`` frames later."""
        for moment in moments:
            for face in moment.faces:
                seen = self._sights.setdefault(face.track, deque(maxlen=HISTORY + self._reach + 1))
                seen.append(Sight.of(face, self._step(seen, moment, face) if self._registers else None))
            self._waiting.append(moment)
            if len(self._waiting) > self._reach:
                yield self._smoothed(ended=False)
                self._forget()
        while self._waiting:
            yield self._smoothed(ended=True)

    def _step(self, seen: deque[Sight], moment: Moment, face: Face) -> Tensor | None:
        """How the face moved since the frame before, if it was seen in that."""
        if not self._waiting or not seen or seen[-1].frame != moment.number - 1:
            return None
        if seen[-1].face.landmarks == face.landmarks:  # it stands still
            return torch.eye(2, 3, dtype=torch.float64)
        return motion_between(self._waiting[-1].frame, seen[-1].face, moment.frame, face)

    def _smoothed(self, *, ended: bool) -> Moment:
        """The first of those that wait, with its faces; it waits no longer."""
        last = self._waiting[-1].number
        scene = next((later.number for later in list(self._waiting)[1:] if later.begins_scene), None)
        moment = self._waiting.popleft()
        if not moment.usable:
            return moment
        faces = []
        for track, seen in self._sights.items():
            face = anchored_at(moment.number, seen, self._reach) if self._registers else None
            face = face or smoothed_at(moment.number, seen, self._reach, self._jitter)
            # Whether the scene goes on for long enough after the face is gone is known only if that is within sight.
            gone = (last if scene is None else scene - 1) - seen[-1].frame
            brief = len(seen) < _SHORTEST and seen[0].frame > 0 and gone >= _SHORTEST and not ended
            if face is not None and not brief:
                faces.append(replace(face, track=track))
        return replace(moment, faces=tuple(faces))

    def _forget(self) -> None:
        before = self._waiting[0].number - self._reach if self._waiting else 0
        for track in [track for track, seen in self._sights.items() if seen[-1].frame < before]:
            del self._sights[track]

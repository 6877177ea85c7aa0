"""Find and follow the faces of a clip: whole frames are searched now and then, faces looked for where they were between."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor

from ...faces.cuts import CutFinder
from ...faces.detectors.base import FaceDetector
from ...faces.following import Follower, corrected, follower_of, is_same, is_still, offset_of
from ...faces.tracking import Tracker
from ...geometry import overlap
from ...imaging.numbers import is_finite
from ...types import Face
from ..hooks import Hooks, with_memory
from ..workable import check_any_finite
from .moment import Moment, as_float
from .options import DETECT_EVERY, VideoOptions

_MOST_FOLLOWED = 8  # faces: of more, a search of the whole frame takes no longer
_ONE_FACE = 0.5  # overlap of two tracks' faces that may be one and the same
_OFFSET_KEPT = 0.7


class Scanner:
    """Goes through a clip once.

    A frame is held back until the next whole search, at most ``detect_every`` frames: a face that appears there is
    followed backwards to where it came in.
    """

    def __init__(self, detector: FaceDetector, options: VideoOptions, hooks: Hooks, tracker: Tracker) -> None:
        self._detector, self._hooks, self._tracker = detector, hooks, tracker
        self._follower: Follower | None = follower_of(detector)
        self._every = (options.detect_every or DETECT_EVERY) if self._follower else 1
        self._offsets: dict[int, list[float]] = {}
        self._cuts = CutFinder()
        self._held: list[Moment] = []
        self._since = 0
        self._before: Tensor | None = None

    def scan(self, frames: Iterable[Tensor], total: int = 0) -> Generator[Moment, None, None]:
        """frames: [3 or more, H, W] each, uint8, uint16 or float → the same with their faces, in order."""
        number, broken = -1, list[int]()
        for number, frame in enumerate(frames):
            if is_finite(frame):
                yield from self._next(number, frame)
            else:
                broken.append(number)
                self._held.append(Moment(number, frame, usable=False))
                yield from self._released([]) if len(self._held) >= self._every else ()
            self._hooks.progress("detect", number + 1, total)
        yield from self._released([])
        check_any_finite(number + 1, broken, self._hooks.miss)

    def _next(self, number: int, frame: Tensor) -> Iterator[Moment]:
        """Look at the next frame → the moments that need not be held any longer."""
        pixels = as_float(frame[:3])
        begins = self._cuts.is_cut(pixels)
        if begins:
            yield from self._released([])
            self._tracker.cut()
            self._offsets = {}
        followed = None if begins else self._followed(number, pixels)
        self._before = pixels
        self._since += 1
        if followed is not None and self._since < self._every:
            self._held.append(Moment(number, frame, followed, begins_scene=begins))
            return
        known = {track.number for track in self._tracker.tracks}
        faces = self._searched(number, pixels, followed or ())
        self._since = 0
        yield from self._released([face for face in faces if face.track not in known])
        yield Moment(number, frame, faces, begins_scene=begins)

    def _released(self, arrived: Sequence[Face]) -> list[Moment]:
        """Those that were held, with faces that have just appeared as far back as they are seen."""
        held, self._held = self._held, []
        return self._traced_back(held, arrived)

    def _followed(self, number: int, pixels: Tensor) -> tuple[Face, ...] | None:
        """The faces of all tracks, looked for where they should be; None where the whole frame must be searched."""
        tracks = self._tracker.tracks
        if self._follower is None or self._before is None or len(tracks) > _MOST_FOLLOWED:
            return None
        found: list[Face] = []
        for track in tracks:
            face = self._seen_again(number, pixels, track.face, track.expected(number))
            if face is None and track.face.frame == number - 1:
                return None
            if face is not None:
                found.append(face)
        if any(overlap(a.box, b.box) > _ONE_FACE for i, a in enumerate(found) for b in found[:i]):
            return None
        return self._tracker.update(number, pixels, found)

    def _seen_again(self, number: int, pixels: Tensor, last: Face, expected: Face) -> Face | None:
        if last.frame == number - 1 and self._before is not None and is_still(pixels, self._before, last):
            return replace(last, frame=number)
        look = self._look(pixels, expected)
        return None if look is None else corrected(look, self._offsets.get(last.track, [0.0] * 10))

    def _look(self, pixels: Tensor, expected: Face) -> Face | None:
        if self._follower is None:
            return None
        return with_memory(partial(self._follower.follow, pixels, expected), self._hooks, "following a face")

    def _searched(self, number: int, pixels: Tensor, followed: Sequence[Face]) -> tuple[Face, ...]:
        """The faces of a whole frame, and those of ``followed`` that the search has missed."""
        what = f"looking for faces in a frame of {pixels.shape[-1]}×{pixels.shape[-2]} px"
        found = list(with_memory(partial(self._detector.detect, pixels), self._hooks, what))
        if self._follower is None:
            return self._tracker.update(number, pixels, found)
        missed = [face for face in followed if all(overlap(face.box, other.box) < 0.3 for other in found)]
        looks = [self._look(pixels, face) if len(found) <= _MOST_FOLLOWED else None for face in found]
        faces = self._tracker.update(number, pixels, [*found, *missed])
        return (*map(self._with_offset, faces, looks), *faces[len(looks) :])

    def _with_offset(self, face: Face, look: Face | None) -> Face:
        """The face as looks see it, moved to where whole searches, on the average, see it.

        Both have a bias of their own: without this, faces would jump at each search.
        """
        if look is None or not is_same(face, look):
            return face
        new, old = offset_of(face, look), self._offsets.get(face.track)
        if old is not None:
            new = [_OFFSET_KEPT * a + (1 - _OFFSET_KEPT) * b for a, b in zip(old, new, strict=True)]
        self._offsets[face.track] = new
        moved = replace(face, landmarks=corrected(look, new).landmarks)
        self._tracker.correct(moved)
        return moved

    def _traced_back(self, held: list[Moment], arrived: Sequence[Face]) -> list[Moment]:
        """Follow faces that have just appeared back through the frames that are held."""
        if self._follower is None:
            return held
        for face in arrived:
            for place in range(len(held) - 1, -1, -1):
                moment = held[place]
                if not moment.usable:
                    continue
                look = self._look(moment.pixels()[:3], replace(face, frame=moment.number))
                if look is None or any(overlap(look.box, other.box) > 0.3 for other in moment.faces):
                    break
                face = corrected(look, self._offsets.get(face.track, [0.0] * 10))
                held[place] = replace(moment, faces=(*moment.faces, face))
        return held

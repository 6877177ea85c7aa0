"""Faces of successive frames become tracks: the same face keeps its number through misses, occlusions and crossings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..geometry import overlap, size_of
from ..types import Face
from .identity import Embedder
from .looks import thumbnail_of
from .places import distance, middle_of, shifted, size_of_face
from .selection.reference import face_vectors
from .track_options import TrackOptions

Array = NDArray[np.float64]
_REFUSED = 1e6


@dataclass
class Track:
    """A face that is being followed.

    Attributes:
        number: Of the track, from 1.
        face: Where it was seen last.
        velocity: [2], pixels a frame, of its middle.
        looks: [D], what it looks like, of length 1; a running mean.
        person: [D'], whose face it is, as a recognition network has it; None without one.
    """

    number: int
    face: Face
    looks: Tensor
    velocity: tuple[float, float] = (0.0, 0.0)
    seen: int = 1
    person: Tensor | None = None

    def expected(self, frame: int) -> Face:
        """The face where it should be in a frame, if it went on as it did."""
        passed = frame - self.face.frame
        # A face that is out of sight is not expected to fly on for ever.
        steps = min(passed, 1) + 0.5 * max(0, min(passed - 1, 6))
        return replace(shifted(self.face, self.velocity[0] * steps, self.velocity[1] * steps), frame=frame)

    def see(self, face: Face, looks: Tensor) -> None:
        """It was found again."""
        passed = max(face.frame - self.face.frame, 1)
        (x, y), (x0, y0) = middle_of(face), middle_of(self.face)
        new = (x - x0) / passed, (y - y0) / passed
        keep = 0.5 if self.seen > 1 else 0.0
        self.velocity = tuple(keep * old + (1 - keep) * v for old, v in zip(self.velocity, new, strict=True))  # type: ignore[assignment]
        self.face, self.seen = face, self.seen + 1
        mean = 0.9 * self.looks + 0.1 * looks
        self.looks = mean / mean.norm().clamp_min(1e-6)


class Tracker:
    """Gives every face of a clip the number of its track, frame by frame.

    Each face goes to the track that expects it: by overlap, the distance of the landmarks, size, and looks, all faces of a
    frame at a time (the assignment of least cost, Kuhn 1955). Nothing is known of later frames.

    Args:
        options: When two faces are one.
        embedder: Tells whose a face is, where more than one track might go on with it, or it comes back from out of sight.
            Without one, a small picture of each face has to do.
    """

    def __init__(self, options: TrackOptions = TrackOptions(), embedder: Embedder | None = None) -> None:
        self.options, self._embedder = options, embedder
        self._tracks: list[Track] = []
        self._count = 0

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Those that have not ended."""
        return tuple(self._tracks)

    def cut(self) -> None:
        """Another scene begins: all tracks end."""
        self._tracks = []

    def update(self, number: int, frame: Tensor, faces: Sequence[Face]) -> tuple[Face, ...]:
        """Take the faces of the next frame.

        Args:
            number: Of the frame; more than in the last call.
            frame: [3 or more, H, W] RGB in [0, 1].
            faces: All that were found in it.

        Returns:
            The same faces, in their order, with ``frame`` and ``track``.
        """
        self._tracks = [track for track in self._tracks if number - track.face.frame <= self.options.patience + 1]
        here = [replace(face, frame=number) for face in faces]
        looks = [thumbnail_of(frame[:3], face) for face in here]
        matched = self._matched(number, frame[:3], here, looks)
        result = []
        for place, face in enumerate(here):
            track = matched.get(place)
            if track is None:
                self._count += 1
                track = Track(self._count, face, looks[place], person=self._person(frame, face))
                self._tracks.append(track)
            else:
                track.see(face, looks[place])
            track.face = replace(face, track=track.number)
            result.append(track.face)
        return tuple(result)

    def correct(self, face: Face) -> None:
        """Say better where a face of the last frame is."""
        for track in self._tracks:
            if track.number == face.track:
                track.face = face

    def _matched(self, number: int, frame: Tensor, faces: Sequence[Face], looks: Sequence[Tensor]) -> dict[int, Track]:
        if not faces or not self._tracks:
            return {}
        costs = np.array(
            [[self._cost(track, number, face, look) for face, look in zip(faces, looks)] for track in self._tracks]
        )
        self._add_persons(costs, number, frame, faces)
        return {column: self._tracks[row] for row, column in _assigned(costs) if costs[row, column] < _REFUSED}

    def _add_persons(self, costs: Array, number: int, frame: Tensor, faces: Sequence[Face]) -> None:
        """Let the recognition network speak where place and looks leave a choice."""
        possible = costs < _REFUSED
        away = np.array([number - track.face.frame > 1 for track in self._tracks])
        doubtful = possible & ((possible.sum(1) > 1) | away)[:, None] | possible & (possible.sum(0) > 1)[None]
        vectors: dict[int, Tensor | None] = {}
        for row, column in np.argwhere(doubtful).tolist():
            if column not in vectors:
                vectors[column] = self._person(frame, faces[column])
            person, other = self._tracks[row].person, vectors[column]
            if self._embedder is not None and person is not None and other is not None:
                alike = float(self._embedder.similarities(person[None], other[None]))
                costs[row, column] += self.options.looks * (1 - alike)

    def _person(self, frame: Tensor, face: Face) -> Tensor | None:
        if self._embedder is None:
            return None
        return face_vectors(frame[None], [replace(face, frame=0, image_size=size_of(frame))], self._embedder)[0]

    def _cost(self, track: Track, number: int, face: Face, looks: Tensor) -> float:
        """What it would cost to take the face for the track's; ``_REFUSED`` where it cannot be."""
        options, expected = self.options, track.expected(number)
        missed = number - track.face.frame - 1
        size, other = size_of_face(expected), size_of_face(face)
        apart = distance(expected.landmarks, face.landmarks) / max(min(size, other), 1.0)
        grown = abs(math.log(other / size))
        slack = min(1 + 0.25 * missed, 3.0)
        if apart > options.reach * slack or grown > math.log(options.growth) * slack:
            return _REFUSED
        unlike = 1 - float(track.looks @ looks)
        return apart + grown + 0.5 * (1 - overlap(expected.box, face.box)) + options.looks * unlike


def _assigned(costs: Array) -> list[tuple[int, int]]:
    """The pairs of rows and columns that cost least together (the Hungarian method)."""
    if 1 in costs.shape:  # one face, mostly: SciPy's import alone would take a second
        row, column = np.unravel_index(int(costs.argmin()), costs.shape)
        return [(int(row), int(column))]
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(costs)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]

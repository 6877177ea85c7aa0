"""Faces of successive frames become tracks: the same face keeps its number through misses, occlusions and crossings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import OptionError
from ..geometry import overlap
from ..types import Face, Landmarks
from .alignment import align_face

_LOOKS_SIDE = 24  # px: what tells two faces apart besides their place
_REFUSED = 1e6


@dataclass(frozen=True)
class TrackOptions:
    """When two faces of successive frames are one. Raises OptionError for values outside their range.

    Attributes:
        patience: Frames for which a face may be missing before its track ends.
        reach: How far the landmarks may be from where they are expected, as a share of the face's size; it grows by a
            quarter of itself with each frame in which the face was missing, to three times.
        growth: How many times larger or smaller a face may be from one frame to the next.
        looks: What a difference in looks counts, against one in place.
    """

    patience: int = 12
    reach: float = 0.6
    growth: float = 1.6
    looks: float = 1.0

    def __post_init__(self) -> None:
        if self.patience < 0 or self.reach <= 0 or self.growth <= 1 or self.looks < 0:
            raise OptionError(f"tracks need patience ≥ 0, reach > 0, growth > 1 and looks ≥ 0, not {self}")


@dataclass
class Track:
    """A face that is being followed.

    Attributes:
        number: Of the track, from 1.
        face: Where it was seen last.
        velocity: [2], pixels a frame, of its middle.
        looks: [D], what it looks like, of length 1; a running mean.
    """

    number: int
    face: Face
    looks: Tensor
    velocity: tuple[float, float] = (0.0, 0.0)
    seen: int = 1

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


Looks = Callable[[Tensor, Face], Tensor]


def thumbnail_of(frame: Tensor, face: Face) -> Tensor:
    """What a face looks like, roughly: [D] of length 1, without its brightness and contrast.

    Args:
        frame: [3, H, W] RGB in [0, 1].
        face: Found in it.
    """
    crop = align_face(frame, face, _LOOKS_SIDE, "ffhq").pixels
    even = crop - crop.mean((1, 2), keepdim=True)
    flat = torch.cat((even.flatten(), 4 * (crop.mean((1, 2)) - crop.mean())))  # its colors count, too
    return flat / flat.norm().clamp_min(1e-6)


class Tracker:
    """Gives every face of a clip the number of its track, frame by frame.

    Each face goes to the track that expects it: by overlap, the distance of the landmarks, size, and looks, all faces of a
    frame at a time (the assignment of least cost, Kuhn 1955). Nothing is known of later frames.

    Args:
        options: When two faces are one.
        looks: Takes a frame and a face of it to a vector of length 1, whose products tell how alike two faces are;
            a network for recognition does it better than the small picture taken by default.
    """

    def __init__(self, options: TrackOptions = TrackOptions(), looks: Looks = thumbnail_of) -> None:
        self.options = options
        self._looks = looks
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
        looks = [self._looks(frame[:3], face) for face in here]
        matched = self._matched(number, here, looks)
        result = []
        for place, face in enumerate(here):
            track = matched.get(place)
            if track is None:
                self._count += 1
                track = Track(self._count, face, looks[place])
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

    def _matched(self, number: int, faces: Sequence[Face], looks: Sequence[Tensor]) -> dict[int, Track]:
        if not faces or not self._tracks:
            return {}
        from scipy.optimize import linear_sum_assignment  # only clips need it

        costs = np.array(
            [[self._cost(track, number, face, look) for face, look in zip(faces, looks)] for track in self._tracks]
        )
        rows, columns = linear_sum_assignment(costs)
        return {
            int(column): self._tracks[row]
            for row, column in zip(rows, columns, strict=True)
            if costs[row, column] < _REFUSED
        }

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


def middle_of(face: Face) -> tuple[float, float]:
    """The mean of the landmarks (x, y), which is steadier than the middle of the box."""
    xs, ys = zip(*face.landmarks, strict=True)
    return sum(xs) / 5, sum(ys) / 5


def size_of_face(face: Face) -> float:
    """Root of the box's area, in pixels."""
    return math.sqrt(max(face.width, 1e-3) * max(face.height, 1e-3))


def distance(landmarks: Landmarks, others: Landmarks) -> float:
    """Mean distance of five points from five others."""
    return sum(math.hypot(x - u, y - v) for (x, y), (u, v) in zip(landmarks, others, strict=True)) / 5


def shifted(face: Face, x: float, y: float) -> Face:
    """The face, moved within its frame."""
    x0, y0, x1, y1 = face.box
    a, b, c, d, e = ((u + x, v + y) for u, v in face.landmarks)
    return replace(face, box=(x0 + x, y0 + y, x1 + x, y1 + y), landmarks=(a, b, c, d, e))

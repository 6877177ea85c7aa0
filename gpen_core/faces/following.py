"""Find a face again near where it is expected: a look at its neighborhood instead of a search of the whole frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from ..geometry import overlap, size_of
from ..types import Face
from .detectors.base import FaceDetector
from .detectors.passes import MultiPassDetector
from .detectors.sightings import roll_degrees, sightings_in
from .detectors.views import around
from .places import distance, shifted, size_of_face

_SIDE = 112.0  # px of the face in a look: both networks place landmarks best at about this size
_SEES = 0.6  # of that: what is smaller is not the face
_TRUSTED = 0.3  # least overlap with where the face is expected
_STILL = 1.0 / 255  # greatest change of a picture of the face, reduced to a few pixels, that is none
_STILL_SIDE = 48  # px: the picture in which that is looked for
_UPRIGHT = 50.0  # degrees, as in the detector's own passes


class Follower(Protocol):
    """Finds faces again."""

    def follow(self, frame: Tensor, expected: Face) -> Face | None:
        """Look for a face near where it is expected.

        Args:
            frame: [3, H, W] RGB in [0, 1].
            expected: The face, where it would be if it moved on.

        Returns:
            The face as it is found, with ``frame`` and ``track`` of the expected one; None where it is not there.
        """
        ...


class LookingFollower:
    """Follows upright faces with the detector's own network; faces that lie are searched for by the whole detector."""

    def __init__(self, detector: MultiPassDetector) -> None:
        self._network, self._levels = detector.network, detector.levels

    @torch.inference_mode()
    def follow(self, frame: Tensor, expected: Face) -> Face | None:
        """As ``Follower``."""
        turns = round(-roll_degrees(expected.landmarks) / 90) % 4
        size = size_of(frame)
        x0, y0, x1, y1 = expected.box
        if x1 <= 0 or y1 <= 0 or x0 >= size[1] or y0 >= size[0]:
            return None
        view = around(expected.box, size, _SIDE, turns)
        weight = next(self._network.module.parameters(), None)
        pixels = view.pixels(frame.to(frame.device if weight is None else weight.device))
        found = sightings_in(view, self._network.find(pixels, self._levels.candidate, smallest=_SEES * _SIDE))
        near = [seen for seen in found if overlap(seen.box, expected.box) >= _TRUSTED]
        if not near:
            return None
        best = max(near, key=lambda seen: overlap(seen.box, expected.box) + seen.score)
        return replace(expected, box=best.box, score=best.score, landmarks=best.landmarks, image_size=size)


def follower_of(detector: FaceDetector) -> Follower | None:
    """What follows faces with this detector; None where it can only search whole frames."""
    return LookingFollower(detector) if isinstance(detector, MultiPassDetector) else None


def is_still(frame: Tensor, before: Tensor, face: Face) -> bool:
    """Whether a face's neighborhood is the same in two frames, [3, H, W] RGB in [0, 1] each, up to a fraction of 1/255."""
    height, width = size_of(frame)
    x0, y0, x1, y1 = face.box
    margin = 0.2 * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
    right, bottom = min(width, int(x1 + margin) + 1), min(height, int(y1 + margin) + 1)
    if right <= left or bottom <= top:
        return False
    step = max(1, min(right - left, bottom - top) // _STILL_SIDE)
    now, then = (picture[:3, top:bottom:step, left:right:step] for picture in (frame, before))
    return (
        float((now.float() - then.float()).abs().mean()) < _STILL / 4 and float((now - then).abs().amax()) < 4 * _STILL
    )


def corrected(look: Face, offset: Sequence[float]) -> Face:
    """A look's landmarks, moved by what the whole detector sees differently, in shares of the face's size."""
    size = size_of_face(look)
    a, b, c, d, e = (
        (x + size * offset[2 * i], y + size * offset[2 * i + 1]) for i, (x, y) in enumerate(look.landmarks)
    )
    return replace(look, landmarks=(a, b, c, d, e))


def offset_of(face: Face, look: Face) -> list[float]:
    """What ``corrected`` takes, from one face as the detector and as a look see it."""
    size = size_of_face(look)
    pairs = zip(face.landmarks, look.landmarks, strict=True)
    return [value for (x, y), (u, v) in pairs for value in ((x - u) / size, (y - v) / size)]


def is_same(face: Face, look: Face) -> bool:
    """Whether a look shows the same face as the detector."""
    return overlap(face.box, look.box) > _TRUSTED and distance(face.landmarks, look.landmarks) < 0.15 * size_of_face(
        face
    )


__all__ = ["Follower", "LookingFollower", "corrected", "follower_of", "is_same", "is_still", "offset_of", "shifted"]

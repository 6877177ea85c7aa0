"""Sightings: faces found in single views, in coordinates of the frame, and how to merge them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from ...types import Box, Landmarks
from .base import Detections
from .suppression import greedy_keep
from .views import View

SAME_FACE_IOU = 0.4  # a second look may correct a box this much
AGREEING_IOU = 0.6  # no sighting agrees this much with two faces side by side
NESTED_SHARE = 0.7  # of the smaller box, as in MTCNN's last stage: more than this inside a better face is that face
CLEAR_SIDE = 96.0  # a face seen this large shows its landmarks as well as a larger one would


@dataclass(frozen=True)
class Sighting:
    """A face as found in one view.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the frame.
        score: In [0, 1].
        landmarks: In pixels of the frame.
        side_seen: The shorter side of the box, in pixels of the view.
        turns: The view's rotation, in quarter turns.
    """

    box: Box
    score: float
    landmarks: Landmarks
    side_seen: float
    turns: int = 0

    @property
    def side(self) -> float:
        """The shorter side in pixels of the frame: the width of an upright face."""
        return min(self.box[2] - self.box[0], self.box[3] - self.box[1])

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) in pixels of the frame."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


def sightings_in(view: View, found: Detections) -> list[Sighting]:
    """What a network found in a view, carried to the frame; implausible findings are left out."""
    sides = (found.boxes[:, 2:] - found.boxes[:, :2]).amin(dim=1).tolist()
    boxes = view.boxes_to_frame(found.boxes).tolist()
    points = view.to_frame(found.landmarks).tolist()
    seen = (
        Sighting((b[0], b[1], b[2], b[3]), score, _landmarks(lm), side, view.turns)
        for b, score, lm, side in zip(boxes, found.scores.tolist(), points, sides, strict=True)
    )
    return [sighting for sighting in seen if is_plausible(sighting)]


def is_plausible(sighting: Sighting) -> bool:
    """Whether the five points can be a face's: finite, in or about the box, eyes apart from the mouth.

    Shares are of the longer side of the box. On a frontal face eyes and mouth are 0.3 to 0.4 apart, on profiles the eyes
    meet but not eyes and mouth; points in one heap, as networks give for things that are no faces, are under 0.15.
    """
    x0, y0, x1, y1 = sighting.box
    if (
        not all(map(math.isfinite, (*sighting.box, *(v for p in sighting.landmarks for v in p))))
        or x1 <= x0
        or y1 <= y0
    ):
        return False
    side = max(x1 - x0, y1 - y0)
    near = all(
        x0 - side / 4 <= x <= x1 + side / 4 and y0 - side / 4 <= y <= y1 + side / 4 for x, y in sighting.landmarks
    )
    return near and math.hypot(*_down(sighting.landmarks)) >= 0.15 * side


def roll_degrees(landmarks: Landmarks) -> float:
    """How far the face is turned in the picture: 0 upright, positive when its chin points right of down."""
    x, y = _down(landmarks)
    return math.degrees(math.atan2(x, y))


def upright_turns(landmarks: Landmarks) -> int:
    """Quarter turns counter-clockwise, 0…3, after which the face is as upright as quarter turns make it."""
    return round(-roll_degrees(landmarks) / 90) % 4


def merge(sightings: Sequence[Sighting], max_iou: float, sure: float) -> list[Sighting]:
    """One sighting per face, best first: of those that agree and are ``sure``, the one that saw the face most clearly."""
    if not sightings:
        return []
    boxes = torch.tensor([s.box for s in sightings])
    scores = torch.tensor([s.score for s in sightings])
    keep = greedy_keep(boxes, scores, max_iou=max_iou, max_share_of_smaller=NESTED_SHARE)
    return [_clearest_of_face(sightings[i], sightings, sure) for i in keep.tolist()]


def clearest(sightings: Sequence[Sighting]) -> Sighting:
    """Of several sightings of one face, the one whose landmarks are the best, with the highest score of all."""
    best = max(sightings, key=lambda s: (min(s.side_seen, CLEAR_SIDE), s.score))
    return replace(best, score=max(s.score for s in sightings))


def borne_out(renderings: Sequence[Sequence[Sighting]], accept: float, sure: float) -> list[Sighting]:
    """The faces that several renderings of a frame show, best first: accidents look like a face in one of them only.

    Args:
        renderings: What was seen in each, doubtful things too.
        accept: What the best score must be where three renderings agree,
        sure: and the mean of two where two do.
    """
    found = []
    for group in _same_places(renderings):
        best = sorted((max(s.score for s in seen) for seen in group.values()), reverse=True)
        if (len(best) >= 3 and best[0] >= accept) or (len(best) == 2 and sum(best) >= 2 * sure):
            found.append(clearest([s for seen in group.values() for s in seen]))
    return found


def matching(target: Sighting, sightings: Iterable[Sighting], min_iou: float = SAME_FACE_IOU) -> list[Sighting]:
    """The sightings that show the same face at about the same size, in their given order."""
    return [s for s in sightings if _iou(s.box, target.box) >= min_iou]


def _same_places(renderings: Sequence[Sequence[Sighting]]) -> list[dict[int, list[Sighting]]]:
    """For each place with something like a face, what each rendering that shows it showed there."""
    by_score = sorted(((s, n) for n, seen in enumerate(renderings) for s in seen), key=lambda pair: -pair[0].score)
    groups: list[tuple[Sighting, dict[int, list[Sighting]]]] = []
    for sighting, number in by_score:
        group = next((members for best, members in groups if matching(best, [sighting])), None)
        if group is None:
            groups.append((sighting, {number: [sighting]}))
        else:
            group.setdefault(number, []).append(sighting)
    return [members for _, members in groups]


def _clearest_of_face(kept: Sighting, sightings: Sequence[Sighting], sure: float) -> Sighting:
    agreeing = [s for s in matching(kept, sightings, AGREEING_IOU) if s.score >= sure and s.turns == kept.turns]
    return replace(clearest(agreeing), score=kept.score) if agreeing else kept


def _down(landmarks: Landmarks) -> tuple[float, float]:
    """From between the eyes to the middle of the mouth."""
    left_eye, right_eye, _, left_mouth, right_mouth = landmarks
    x, y = ((left_mouth[i] + right_mouth[i] - left_eye[i] - right_eye[i]) / 2 for i in (0, 1))
    return x, y


def _iou(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _landmarks(points: list[list[float]]) -> Landmarks:
    a, b, c, d, e = ((p[0], p[1]) for p in points)
    return a, b, c, d, e

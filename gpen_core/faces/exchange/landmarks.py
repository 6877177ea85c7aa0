"""Faces from ComfyUI's own landmark detector (FACE_LANDMARKS, MediaPipe's face mesh)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import OptionError
from ...types import Box, Face, Landmarks, Point
from ..detectors.sightings import Sighting, is_plausible
from ..mesh import mesh_points, read_landmarks

_log = logging.getLogger(__name__)
# Vertices of MediaPipe's face mesh. Image left is the person's right. Irises are there in meshes of 478 vertices.
_IRISES = (468, 473)
_EYE_CORNERS = ((33, 133), (362, 263))
_NOSE_TIP = 4
_MOUTH_CORNERS = (61, 291)
_MOST_NAMED = 8  # images in a sentence


def faces_from_landmarks(value: object, frames: int, miss: Callable[[str], None] = _log.warning) -> tuple[Face, ...]:
    """Read FACE_LANDMARKS.

    Args:
        value: ``{"frames": [[{"landmarks_xy": [468 or 478, 2][, "bbox_xyxy", "score"]}, …], …], "image_size": (H, W)}``, in
            pixels: a list of faces for each frame, or a single one for all of them.
        frames: Number of frames in the batch.
        miss: Hears of the faces that cannot be such and are left out, once for each reason.

    Returns:
        The faces, in the order of the frames, with ids from 1. The box is the given one, or that around all vertices.

    Raises:
        OptionError: The value is something else, no face of it can be one, or the lists are for another number of frames.
    """
    lists, size = read_landmarks(value)
    if len(lists) == 1:
        lists = lists * frames
    if len(lists) != frames:
        raise OptionError(f"the landmarks are for {len(lists)} images, but there are {frames}: connect the same images")
    faces, broken = list[Face](), dict[str, list[tuple[int, int]]]()
    given = ((index, entry) for index, entries in enumerate(lists) for entry in entries)
    for number, (index, entry) in enumerate(given, 1):
        try:
            faces.append(_face(entry, index, size, number))
        except OptionError as error:
            broken.setdefault(str(error), []).append((number, index + 1))
    if broken and not faces:
        raise OptionError(_said(*next(iter(broken.items()))))
    for reason, places in broken.items():
        miss(f"{_said(reason, places)}. {'It was' if len(places) == 1 else 'They were'} left out.")
    return tuple(faces)


def five_points(mesh: Sequence[Sequence[float]]) -> Landmarks:
    """The five landmarks of MediaPipe's face mesh [468 or 478, 2], (x, y) in pixels."""
    points: list[Point] = [(float(x), float(y)) for x, y in mesh]
    if len(points) > max(_IRISES):
        left_eye, right_eye = (points[vertex] for vertex in _IRISES)
    else:
        left_eye, right_eye = (_middle(points[a], points[b]) for a, b in _EYE_CORNERS)
    left_mouth, right_mouth = (points[vertex] for vertex in _MOUTH_CORNERS)
    return left_eye, right_eye, points[_NOSE_TIP], left_mouth, right_mouth


def _face(entry: Any, frame: int, size: tuple[int, int], number: int) -> Face:
    mesh: list[list[float]] = mesh_points(entry).tolist()
    box, landmarks = _box(entry, mesh), five_points(mesh)
    score = _score(entry.get("score"))
    if not is_plausible(Sighting(box, score, landmarks, 0.0)):
        raise OptionError("it is no face: its eyes, nose and mouth lie in one spot or outside its box")
    return Face(box, min(max(score, 0.0), 1.0), landmarks, size, frame, number)


def _said(error: str, places: Sequence[tuple[int, int]]) -> str:
    """What is wrong with faces, by their numbers and those of their images."""
    if len(places) == 1:
        ((face, image),) = places
        return f"face {face} (image {image}) of the landmarks: {error}"
    images = list(dict.fromkeys(image for _, image in places))
    shown = ", ".join(map(str, images[:_MOST_NAMED])) + ", …" * (len(images) > _MOST_NAMED)
    return f"{len(places)} faces (image{'s' * (len(images) > 1)} {shown}) of the landmarks: {error}"


def _score(given: Any) -> float:
    """1 where none is given, or none that is a number."""
    try:
        score = float(given)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return 1.0
    return score if math.isfinite(score) else 1.0


def _box(entry: Mapping[str, Any], mesh: Sequence[Sequence[float]]) -> Box:
    """As given, or around all points where none is given or that is none."""
    try:
        x0, y0, x1, y1 = (float(side) for side in entry["bbox_xyxy"])
        if x0 < x1 and y0 < y1 and all(map(math.isfinite, (x0, y0, x1, y1))):
            return x0, y0, x1, y1
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError):
        pass
    xs, ys = [x for x, _ in mesh], [y for _, y in mesh]
    return min(xs), min(ys), max(xs), max(ys)


def _middle(a: Point, b: Point) -> Point:
    x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    return (x, y) if math.isfinite(x + y) else (math.nan, math.nan)

"""Faces from ComfyUI's own landmark detector (FACE_LANDMARKS, MediaPipe's face mesh)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...errors import OptionError
from ...types import Box, Face, Landmarks, Point
from ..detectors.sightings import Sighting, is_plausible

# Vertices of MediaPipe's face mesh. Image left is the person's right. Irises are there in meshes of 478 vertices.
_IRISES = (468, 473)
_EYE_CORNERS = ((33, 133), (362, 263))
_NOSE_TIP = 4
_MOUTH_CORNERS = (61, 291)
_MESH, _MESH_WITH_IRISES = 468, 478


def faces_from_landmarks(value: object, frames: int) -> tuple[Face, ...]:
    """Read FACE_LANDMARKS.

    Args:
        value: ``{"frames": [[{"landmarks_xy": [468 or 478, 2][, "bbox_xyxy", "score"]}, …], …], "image_size": (H, W)}``, in
            pixels: a list of faces for each frame, or a single one for all of them.
        frames: Number of frames in the batch.

    Returns:
        The faces, in the order of the frames, with ids from 1. The box is the given one, or that around all vertices.

    Raises:
        OptionError: The value is something else, the five points of a face cannot be a face's, or the lists are for another
            number of frames.
    """
    if not isinstance(value, dict) or not isinstance(value.get("frames"), list | tuple):
        raise OptionError("these are no face landmarks: connect the output face_landmarks of a MediaPipe node")
    size = _size(value.get("image_size"))
    lists = list(value["frames"])
    if len(lists) == 1:
        lists = lists * frames
    if len(lists) != frames:
        raise OptionError(f"the landmarks are for {len(lists)} images, but there are {frames}: connect the same images")
    for index, entries in enumerate(lists):
        if not isinstance(entries, list | tuple):
            raise OptionError(f"the landmarks of image {index + 1} are no list of faces, but {type(entries).__name__}")
    found = [(entry, index) for index, entries in enumerate(lists) for entry in entries]
    return tuple(_face(entry, index, size, number) for number, (entry, index) in enumerate(found, start=1))


def five_points(mesh: Sequence[Sequence[float]]) -> Landmarks:
    """The five landmarks of MediaPipe's face mesh [468 or 478, 2], (x, y) in pixels."""
    if len(mesh) not in (_MESH, _MESH_WITH_IRISES):
        raise OptionError(f"a face has {len(mesh)} landmarks; MediaPipe's face mesh has {_MESH} or {_MESH_WITH_IRISES}")
    points: list[Point] = [(float(x), float(y)) for x, y in mesh]
    if len(points) == _MESH_WITH_IRISES:
        left_eye, right_eye = (points[vertex] for vertex in _IRISES)
    else:
        left_eye, right_eye = (_middle(points[a], points[b]) for a, b in _EYE_CORNERS)
    left_mouth, right_mouth = (points[vertex] for vertex in _MOUTH_CORNERS)
    return left_eye, right_eye, points[_NOSE_TIP], left_mouth, right_mouth


def _face(entry: Any, frame: int, size: tuple[int, int], number: int) -> Face:
    where = f"face {number} (image {frame + 1})"
    try:
        mesh = _rows(entry["landmarks_xy"])
        box: Box = _box(entry, mesh)
        score = float(entry.get("score", 1.0))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OptionError(f"{where} of the landmarks cannot be read: {error}") from error
    landmarks = five_points(mesh)
    if not is_plausible(Sighting(box, score, landmarks, 0.0)):
        raise OptionError(
            f"{where} of the landmarks is no face: its eyes, nose and mouth lie in one spot or outside its box"
        )
    return Face(box, min(max(score, 0.0), 1.0), landmarks, size, frame, number)


def _rows(value: Any) -> list[list[float]]:
    """An array, a tensor or nested lists → lists of x and y."""
    rows = value.tolist() if hasattr(value, "tolist") else value
    return [[float(row[0]), float(row[1])] for row in rows]


def _box(entry: Any, mesh: Sequence[Sequence[float]]) -> Box:
    given = entry.get("bbox_xyxy")
    if given is None:
        xs, ys = [x for x, _ in mesh], [y for _, y in mesh]
        return min(xs), min(ys), max(xs), max(ys)
    x0, y0, x1, y1 = (float(side) for side in given)
    return x0, y0, x1, y1


def _size(value: Any) -> tuple[int, int]:
    try:
        height, width = (int(side) for side in value)
    except (TypeError, ValueError) as error:
        raise OptionError("the landmarks don't say the size of their image (image_size)") from error
    if min(height, width) < 1:
        raise OptionError(f"the landmarks say that their image is {width}×{height}")
    return height, width


def _middle(a: Point, b: Point) -> Point:
    x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    return (x, y) if math.isfinite(x + y) else (math.nan, math.nan)

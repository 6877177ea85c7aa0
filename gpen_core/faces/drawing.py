"""Draw detected faces."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..geometry import size_of
from ..imaging.files import as_image
from ..types import Face, Point
from .moving import resized_with
from .selection.decisions import Choice

Color = tuple[int, int, int]
_BOX_COLOR, _POINT_COLOR, _TEXT_COLOR = (64, 220, 96), (255, 80, 64), (0, 0, 0)
_REST_COLOR = (200, 200, 200)
_GOLDEN_ANGLE = 0.381966  # of a turn


def draw_faces(frames: Tensor, faces: Sequence[Face]) -> Tensor:
    """Draw boxes, landmarks, numbers and scores into copies of the frames.

    Args:
        frames: [B, 3 or more, H, W] RGB in [0, 1]; channels after the third are dropped.
        faces: Faces detected in these frames, or in a resized copy.

    Returns:
        [B, 3, H, W] RGB in [0, 1].
    """
    pictures = []
    for index, frame in enumerate(frames):
        mine = [resized_with(face, size_of(frame)) for face in faces if face.frame == index]
        pictures.append(_draw(frame[:3], mine) if mine else frame[:3].float().clamp(0, 1))
    return torch.stack(pictures)


def face_mask(frames: Tensor, faces: Sequence[Face]) -> Tensor:
    """A mask of the face boxes.

    Args:
        frames: [B, C, H, W]; only size and device matter.
        faces: Faces detected in these frames, or in a resized copy.

    Returns:
        [B, 1, H, W] float32: 1 inside the boxes, 0 elsewhere.
    """
    height, width = frames.shape[2:]
    mask = torch.zeros(len(frames), 1, height, width, device=frames.device)
    for face in faces:
        x0, y0, x1, y1 = (round(side) for side in resized_with(face, (height, width)).box)
        mask[face.frame, :, max(y0, 0) : max(y1 + 1, 0), max(x0, 0) : max(x1 + 1, 0)] = 1
    return mask


def label_of(face: Face) -> str:
    """What a picture says of a face: "#1 · 98 %", or "track 1 · 98 %"."""
    name = f"track {face.track}" if face.track else f"#{face.id}"
    return f"{name} · {face.score:.0%}".replace("%", " %")


def color_of(face: Face) -> Color:
    """Of a face's box: each track has its own, as far from those before it as the golden angle takes it."""
    if not face.track:
        return _BOX_COLOR
    red, green, blue = colorsys.hsv_to_rgb((0.35 + (face.track - 1) * _GOLDEN_ANGLE) % 1, 0.7, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def _draw(frame: Tensor, faces: Sequence[Face]) -> Tensor:
    picture = as_image(frame.float().cpu())
    pen = _Pen(picture)
    for face in faces:
        pen.box(face, color_of(face))
        pen.label(face, label_of(face), color_of(face))
    return _as_frame(picture, frame)


def draw_selection(frames: Tensor, choices: Sequence[Choice]) -> Tensor:
    """Draw which faces are chosen, with the numbers that index lists count.

    Chosen faces have a full green box; the others a dashed gray one, crossed out where they were excluded by hand: the
    difference does not rest on color.

    Args:
        frames: [B, 3 or more, H, W] RGB in [0, 1]; channels after the third are dropped.
        choices: What was decided about the faces of these frames, or of a resized copy.

    Returns:
        [B, 3, H, W] RGB in [0, 1].
    """
    pictures = []
    for index, frame in enumerate(frames):
        mine = [
            replace(choice, face=resized_with(choice.face, size_of(frame)))
            for choice in choices
            if choice.face.frame == index
        ]
        pictures.append(_draw_choices(frame[:3], mine) if mine else frame[:3].float().clamp(0, 1))
    return torch.stack(pictures)


def _draw_choices(frame: Tensor, choices: Sequence[Choice]) -> Tensor:
    picture = as_image(frame.float().cpu())
    pen = _Pen(picture)
    for choice in sorted(choices, key=lambda choice: choice.chosen):  # chosen ones on top
        color = _BOX_COLOR if choice.chosen else _REST_COLOR
        pen.box(choice.face, color, dashed=not choice.chosen)
        if choice.state == "excluded":
            pen.cross(choice.face, color)
        pen.label(choice.face, f"{choice.index} · {choice.face.score:.0%}".replace("%", " %"), color)
    return _as_frame(picture, frame)


class _Pen:
    """Draws into a picture, as thick as its size asks for."""

    def __init__(self, picture: Image.Image) -> None:
        self.line = max(2, round(max(picture.size) / 256))
        self._text_height = max(12, 6 * self.line)
        self._font = ImageFont.load_default(size=self._text_height)
        self._pen = ImageDraw.Draw(picture)

    def box(self, face: Face, color: Color, dashed: bool = False) -> None:
        """The box, and the landmarks where the box is full."""
        if not dashed:
            self._pen.rectangle(face.box, outline=color, width=self.line)
            for x, y in face.landmarks:
                self._pen.ellipse((x - self.line, y - self.line, x + self.line, y + self.line), fill=_POINT_COLOR)
            return
        x0, y0, x1, y1 = face.box
        for start, end in (((x0, y0), (x1, y0)), ((x1, y0), (x1, y1)), ((x1, y1), (x0, y1)), ((x0, y1), (x0, y0))):
            self._dashes(start, end, color)

    def cross(self, face: Face, color: Color) -> None:
        x0, y0, x1, y1 = face.box
        self._pen.line((x0, y0, x1, y1), fill=color, width=self.line)
        self._pen.line((x0, y1, x1, y0), fill=color, width=self.line)

    def label(self, face: Face, text: str, color: Color) -> None:
        place = (max(face.box[0], 0), max(face.box[1] - self._text_height - 2, 0))
        self._pen.rectangle(self._pen.textbbox(place, text, font=self._font), fill=color)
        self._pen.text(place, text, fill=_TEXT_COLOR, font=self._font)

    def _dashes(self, start: Point, end: Point, color: Color) -> None:
        length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
        count = max(1, round(length / (8 * self.line)))
        for number in range(count):
            a, b = number / count, (number + 0.5) / count
            (x0, y0), (x1, y1) = (
                (start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t) for t in (a, b)
            )
            self._pen.line((x0, y0, x1, y1), fill=color, width=self.line)


def _as_frame(picture: Image.Image, like: Tensor) -> Tensor:
    return torch.from_numpy(np.asarray(picture).copy()).movedim(-1, 0).float().div(255).to(like.device)

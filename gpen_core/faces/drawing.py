"""Draw detected faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import ImageDraw, ImageFont
from torch import Tensor

from ..imaging.files import as_image
from ..types import Face

_BOX_COLOR, _POINT_COLOR, _TEXT_COLOR = (64, 220, 96), (255, 80, 64), (0, 0, 0)


def draw_faces(frames: Tensor, faces: Sequence[Face]) -> Tensor:
    """Draw boxes, landmarks, numbers and scores into copies of the frames.

    Args:
        frames: [B, 3 or more, H, W] RGB in [0, 1]; channels after the third are dropped.
        faces: Faces detected in these frames.

    Returns:
        [B, 3, H, W] RGB in [0, 1].
    """
    pictures = []
    for index, frame in enumerate(frames):
        mine = [face for face in faces if face.frame == index]
        pictures.append(_draw(frame[:3], mine) if mine else frame[:3].float().clamp(0, 1))
    return torch.stack(pictures)


def face_mask(frames: Tensor, faces: Sequence[Face]) -> Tensor:
    """A mask of the face boxes.

    Args:
        frames: [B, C, H, W]; only size and device matter.
        faces: Faces detected in these frames.

    Returns:
        [B, 1, H, W] float32: 1 inside the boxes, 0 elsewhere.
    """
    height, width = frames.shape[2:]
    mask = torch.zeros(len(frames), 1, height, width, device=frames.device)
    for face in faces:
        x0, y0, x1, y1 = (round(side) for side in face.box)
        mask[face.frame, :, max(y0, 0) : max(y1 + 1, 0), max(x0, 0) : max(x1 + 1, 0)] = 1
    return mask


def label_of(face: Face) -> str:
    """What a picture says of a face: "#1 · 98 %"."""
    return f"#{face.id} · {face.score:.0%}".replace("%", " %")


def _draw(frame: Tensor, faces: Sequence[Face]) -> Tensor:
    picture = as_image(frame.float().cpu())
    pen = ImageDraw.Draw(picture)
    line = max(2, round(max(picture.size) / 256))
    height = max(12, 6 * line)
    font = ImageFont.load_default(size=height)
    for face in faces:
        pen.rectangle(face.box, outline=_BOX_COLOR, width=line)
        for x, y in face.landmarks:
            pen.ellipse((x - line, y - line, x + line, y + line), fill=_POINT_COLOR)
        label = label_of(face)
        place = (max(face.box[0], 0), max(face.box[1] - height - 2, 0))
        pen.rectangle(pen.textbbox(place, label, font=font), fill=_BOX_COLOR)
        pen.text(place, label, fill=_TEXT_COLOR, font=font)
    return torch.from_numpy(np.asarray(picture).copy()).movedim(-1, 0).float().div(255).to(frame.device)

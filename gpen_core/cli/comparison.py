"""Versions of a photograph side by side, with the face below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..faces.alignment import align_face
from ..geometry import size_of
from ..imaging.files import as_image
from ..imaging.lanczos import resize_lanczos
from ..types import Face

_PANEL = 512  # side of the square that each picture is fitted into, in pixels
_GAP, _CAPTION, _FONT = 8, 34, 20
_BACKGROUND, _TEXT = (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True, eq=False)
class Column:
    """``picture``: [3, H, W] RGB in [0, 1], of any size, with the same aspect ratio as the others."""

    caption: str
    picture: Tensor


def comparison(columns: Sequence[Column], face: Face) -> Tensor:
    """[3, h, w] RGB in [0, 1]: for each column its caption, the picture and, aligned and enlarged, the face in it.

    ``face`` was found in a picture of that shape.
    """
    rows = [[_fitted(column.picture) for column in columns], [_close_up(column.picture, face) for column in columns]]
    heights = [max(picture.height for picture in row) for row in rows]
    size = len(columns) * (_PANEL + _GAP) - _GAP, _CAPTION + sum(heights) + _GAP
    sheet = Image.new("RGB", size, _BACKGROUND)
    for index, column in enumerate(columns):
        left = index * (_PANEL + _GAP)
        sheet.paste(_caption(column.caption), (left, 0))
        sheet.paste(rows[0][index], (left + (_PANEL - rows[0][index].width) // 2, _CAPTION))
        sheet.paste(rows[1][index], (left, _CAPTION + heights[0] + _GAP))
    return torch.from_numpy(np.asarray(sheet).copy()).permute(2, 0, 1).float() / 255


def _caption(text: str) -> Image.Image:
    """The caption as a separate image, so that long text is clipped at the column's border."""
    picture = Image.new("RGB", (_PANEL, _CAPTION), _BACKGROUND)
    ImageDraw.Draw(picture).text((_GAP, _GAP // 2), text, fill=_TEXT, font=ImageFont.load_default(size=_FONT))
    return picture


def _fitted(picture: Tensor) -> Image.Image:
    height, width = size_of(picture)
    scale = _PANEL / max(height, width)
    return as_image(resize_lanczos(picture, (max(1, round(height * scale)), max(1, round(width * scale)))))


def _close_up(picture: Tensor, face: Face) -> Image.Image:
    return as_image(align_face(picture, face, _PANEL, "ffhq").pixels)

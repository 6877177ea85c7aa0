"""Label maps: of faces, by a parser; of no face in particular; and the legend of their colors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..faces.parsing import PARSER_SIZE, FaceParser
from ..faces.parts import REGIONS, parts_from_landmarks
from ..geometry import template_points
from ..tasks import TASKS
from ..tasks.labels import LABEL_COLORS, colored_labels
from ..types import Face
from .crops import crop_faces
from .frames import notice_another_picture
from .hooks import Hooks, with_memory

_ROW, _SWATCH, _WIDTH, _FONT = 28, 44, 230, 16  # pixels of the legend
# Which labels stand for a region in a map drawn from five points: that of its left half, and of its right half.
_LABELS_OF = {
    "skin": ("skin", "skin"), "brows": ("left_brow", "right_brow"), "eyes": ("left_eye", "right_eye"),
    "glasses": ("eyeglasses", "eyeglasses"), "nose": ("nose", "nose"), "mouth": ("upper_lip", "upper_lip"),
    "ears": ("left_ear", "right_ear"), "hair": ("hair", "hair"), "neck": ("neck", "neck"), "hat": ("hat", "hat"),
}  # fmt: skip


def label_maps(frames: Tensor, faces: Sequence[Face], parser: FaceParser, hooks: Hooks = Hooks()) -> Tensor:
    """Label maps of faces, framed as models that make faces of label maps expect them.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1], in which the faces were found, or a resized copy.
        faces: Which to parse.
        parser: ParseNet or BiSeNet.
        hooks: Hears of faces that cannot be cut out, and of frames that show something else than them.

    Returns:
        [N, 3, 512, 512] RGB in [0, 1], in the order given.
    """
    crops = crop_faces(frames, faces, PARSER_SIZE, TASKS["seg2face"].template, hooks.miss)
    notice_another_picture(frames, [face.crop.face for face in crops], hooks.miss)
    maps = []
    for face in crops:
        hooks.poll()
        numbers = with_memory(partial(parser.labels, face.pixels[None]), hooks, "parsing a face")
        maps.append(colored_labels(numbers, parser.kind.labels)[0].to(frames.device))
        hooks.progress("restore", len(maps), len(crops), maps[-1])
    return torch.stack(maps)


def drawn_map(side: int = PARSER_SIZE) -> Tensor:
    """A coarse label map of no face in particular, [3, side, side]: ellipses around the points of the alignment."""
    points = template_points(TASKS["seg2face"].template, side)
    parts = parts_from_landmarks(points, side).bool()
    names = list(LABEL_COLORS)
    numbers = torch.zeros(side, side, dtype=torch.long)
    right = torch.arange(side) > float((points[0, 0] + points[1, 0]) / 2)
    for region, labels in _LABELS_OF.items():
        part = parts[REGIONS.index(region)]
        for half, label in zip((~right, right), labels, strict=True):
            numbers[part & half] = names.index(label)
    _lips(numbers, points, names)
    return colored_labels(numbers)


def _lips(numbers: Tensor, points: Tensor, names: Sequence[str]) -> None:
    """Below the line between the corners of the mouth is the lower lip."""
    below = torch.arange(len(numbers))[:, None] > float((points[3, 1] + points[4, 1]) / 2)
    upper = numbers == names.index("upper_lip")
    numbers[upper & below] = names.index("lower_lip")


def legend() -> Tensor:
    """Names and colors of the labels, [3, H, W] RGB in [0, 1], to paint by."""
    sheet = Image.new("RGB", (_WIDTH, _ROW * len(LABEL_COLORS)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=_FONT)
    for row, (name, color) in enumerate(LABEL_COLORS.items()):
        top = row * _ROW
        draw.rectangle((2, top + 2, _SWATCH, top + _ROW - 3), fill=color)
        draw.text((_SWATCH + 8, top + 4), name.replace("_", " "), fill="black", font=font)
    return torch.from_numpy(np.asarray(sheet).copy()).movedim(-1, 0).float() / 255

"""Contact sheets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import ImageError


def contact_sheet(pictures: Sequence[Tensor], columns: int | None = None) -> Tensor:
    """Arrange images row by row, without gaps.

    Args:
        pictures: Images [3, h, w] RGB in [0, 1], all of the same size.
        columns: Images per row; by default the sheet is about as many images high as wide.

    Returns:
        [3, rows·h, columns·w] RGB in [0, 1]; unused cells are white.

    Raises:
        ImageError: There are no images.
    """
    if not pictures:
        raise ImageError("no pictures: a contact sheet needs at least one")
    columns = min(columns or math.ceil(math.sqrt(len(pictures))), len(pictures))
    rows = math.ceil(len(pictures) / columns)
    channels, height, width = pictures[0].shape
    sheet = torch.ones(channels, rows * height, columns * width)
    for number, picture in enumerate(pictures):
        top, left = number // columns * height, number % columns * width
        sheet[:, top : top + height, left : left + width] = picture
    return sheet

"""White strokes → a complete face. There is no channel for a mask: what is to be filled is painted white."""

from __future__ import annotations

import torch
from torch import Tensor

from ..imaging.morphology import dilated

# The strokes of the published training data are 12 to 79 px wide in 1024: what is thinner in a mask is made that wide for the
# network, with round ends. It is shown a little less than it might be; what returns is bounded by the mask itself.
_THINNEST = 12 / 1024
_SEEN = 1 / 255  # a mask's soft edge belongs to what is to be filled: the damage shows through there


def white_where(pictures: Tensor, fill: Tensor | None = None) -> Tensor:
    """Paint pure white over what is to be filled.

    Args:
        pictures: [N, 3, S, S] RGB in [0, 1].
        fill: [N, 1, S, S] in [0, 1], above 0 where something is to be filled; None where that is painted already.

    Returns:
        [N, 3, S, S].
    """
    if fill is None:
        return pictures
    radius = _THINNEST * pictures.shape[-1] / 2
    strokes = torch.stack([dilated((mask > _SEEN).to(pictures), radius) for mask in fill])
    return torch.maximum(pictures, strokes)

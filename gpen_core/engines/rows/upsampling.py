"""The transposed convolution of stride 2 as four ordinary ones, one for each place in a square of 2×2 pixels of the result."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from .rows import ALL, channels_last, pointwise

LARGEST = 32  # px of a side; on maps larger than that oneDNN's transposed convolution is as fast

Phases = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]  # [row of the square][column of the square]


def phases(weight: Tensor) -> Phases:
    """[O, I, 3, 3] → the kernels of the even and the odd rows' even and odd columns, each [O, I, 1 or 2, 1 or 2].

    An even row takes the first row of ``weight`` from its own place and the last from the one before; an odd row takes the
    middle one. Columns likewise.
    """
    even, odd = weight[:, :, [2, 0]], weight[:, :, 1:2]
    return _columns(even), _columns(odd)


def _columns(rows: Tensor) -> tuple[Tensor, Tensor]:
    return channels_last(rows[..., [2, 0]]), channels_last(rows[..., 1:2])


def upsample(x: Tensor, kernels: Phases, part: slice = ALL) -> Tensor:
    """[N, I, H, W] → [N, O, 2H + 1, 2W + 1]: F.conv_transpose2d(x, weightᵀ, stride=2), ``part`` of it. Channels last."""
    batch, _, height, width = x.shape
    result = x.new_empty(batch, 2 * height + 1, 2 * width + 1, len(kernels[0][0][part])).permute(0, 3, 1, 2)
    for row, columns in enumerate(kernels):
        for column, kernel in enumerate(columns):
            made = (
                pointwise(x, kernel[part])
                if row and column
                else F.conv2d(x, kernel[part], padding=(1 - row, 1 - column))
            )
            result[:, :, row::2, column::2] = made
    return result

"""3×3 convolutions with half the multiplications: Winograd's F(4, 3) from top to bottom, direct from left to right.

Four rows of the result come from six rows of the map by six convolutions of 1×3, instead of twelve (Lavin & Gray 2016,
arXiv 1509.09308, in one dimension). In one alone, since whole rows are long and contiguous: what is added before and after
costs little next to what is saved, and rounding grows threefold only, where both dimensions make it grow tenfold.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

ROWS = 4  # of the result at a time
_NARROWEST = 64  # output channels below which the sums cost more than the products saved
_LOWEST = 16  # rows below which reading twice the weights does

Kernels = tuple[Tensor, ...]  # six of [O, I, 1, 3]
Differences = tuple[Tensor, ...]  # six of [N, I, R / 4, W]


def worthwhile(itemsize: int, outputs: int, height: int) -> bool:
    """Of a 3×3 convolution, in numbers of ``itemsize`` bytes, that makes so many channels of maps of ``height`` rows.

    Half precision cannot spare the digits; float64 is for those who want them all.
    """
    return itemsize == 4 and outputs >= _NARROWEST and height >= _LOWEST


def transformed(weight: Tensor) -> Kernels:
    """[O, I, 3, 3] → six kernels of 1×3, of the memory layout that ``weight`` has."""
    above, middle, below = weight.split(1, 2)
    outer, inner = (above + below).div_(-6), middle / 6
    far, near = torch.add(above, below, alpha=4).div_(24), middle / 12
    return (
        above / 4,
        outer - inner,
        outer + inner,
        far + near,
        far - near,
        below.clone(memory_format=torch.preserve_format),
    )


def convolve(window: Tensor, kernels: Kernels, bias: Tensor | None, out: Tensor) -> None:
    """window: [N, I, R + 2, W] → ``out`` [N, O, R, W], R a multiple of four; zeros beside the columns."""
    differences = room(window)
    fill(window, differences)
    multiply(differences, kernels, bias, out)


def room(window: Tensor) -> Differences:
    """For what ``fill`` makes of ``window``."""
    batch, channels, rows, width = window.shape
    shape = batch, (rows - 2) // ROWS, width, channels
    return tuple(window.new_empty(shape).permute(0, 3, 1, 2) for _ in range(6))


def fill(window: Tensor, out: Differences) -> None:
    """What the kernels are applied to, of a window [N, I, R + 2, W]: six of [N, I, R / 4, W]."""
    d = [window[:, :, first : window.shape[2] - 5 + first : ROWS] for first in range(6)]
    even, odd = torch.sub(d[4], d[2], alpha=4), torch.sub(d[3], d[1], alpha=4)
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.add(even.sub_(d[2]), d[0], alpha=4, out=out[0])
    torch.sub(d[5], d[3], alpha=4, out=out[5]).sub_(odd)
    even, odd = torch.sub(d[4], d[2], out=even), torch.sub(d[3], d[1], out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.sub(even, odd, alpha=2, out=out[4])


def multiply(differences: Differences, kernels: Kernels, bias: Tensor | None, out: Tensor) -> None:
    """The products and their sums → ``out`` [N, O, R, W]."""
    # Every row of the result has the second product once: the bias goes with it.
    biases = (None, bias, None, None, None, None)
    _sums([F.conv2d(rows, kernel, its, padding=(0, 1)) for rows, kernel, its in zip(differences, kernels, biases)], out)


def _sums(m: list[Tensor], out: Tensor) -> None:
    near, near_odd = m[1] + m[2], m[1].sub_(m[2])
    far, far_odd = m[3] + m[4], m[3].sub_(m[4])
    torch.add(m[0].add_(near), far, out=out[:, :, 0::ROWS])
    torch.add(near_odd, far_odd, alpha=2, out=out[:, :, 1::ROWS])
    torch.add(near, far, alpha=4, out=out[:, :, 2::ROWS])
    torch.add(m[5].add_(near_odd), far_odd, alpha=8, out=out[:, :, 3::ROWS])

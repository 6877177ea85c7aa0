"""Figures of a picture's texture, from which sharpness, noise and compression can be told."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_SCALES = 4  # each half of the one before
_COLOR_SCALES = 3
_CELL = 8  # px: where energies are averaged before they are ranked
# How strong the weakest tenth of the cells is, … and the strongest fiftieth: flat skin tells noise, lashes tell sharpness.
_RANKS, _COLOR_RANKS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.98), (0.1, 0.5, 0.9)
_WEAK_RANKS = (0.5, 0.75, 0.9, 0.98)  # of the direction in which a cell changes least: motion leaves nothing there
_BLOCK, _MOST_BLOCKS = 8, 32  # JPEG's, and how many in a row or column are enough
# Of the blocks' frequencies: a coefficient's two numbers add up to the first of a pair or more, and less than the second.
_BANDS = ((1, 3), (3, 5), (5, 7), (7, 9), (9, 15))
_BAND_RANKS = (0.25, 0.5, 0.75, 0.9, 0.98)
_FILTERS, _COLOR_FILTERS, _COLORS, _BLOCK_FIGURES, _WHOLE_FIGURES = 5, 2, 2, 2, 2
FIGURES = (
    _SCALES * (_FILTERS * len(_RANKS) + len(_WEAK_RANKS) + _WHOLE_FIGURES)
    + _COLOR_SCALES * _COLORS * _COLOR_FILTERS * len(_COLOR_RANKS)
    + _BLOCK_FIGURES
    + len(_BANDS) * len(_BAND_RANKS) * 2
)
_STEEPEST = 0.3  # standard deviations of the picture: steeper steps are its own edges
SMALLEST = _CELL << (_SCALES - 1)  # px: the least side


def texture_of(pictures: Tensor) -> Tensor:
    """How strong differences between neighbors are, in all directions, at four scales, in light and color.

    Args:
        pictures: [N, 3, H, W] RGB around 0, of a standard deviation of 1, at least ``SMALLEST`` + 8 px each way.

    Returns:
        [N, FIGURES], logarithms of energies.
    """
    light = pictures.mean(1, keepdim=True)
    colors = [pictures[:, :1] - pictures[:, 2:], pictures[:, 1:2] - light]
    found = [*_block_figures(light)]
    for scale in range(_SCALES):
        found += [_ranked(response, _RANKS) for response in _differences(light)]
        found += _directions(light)
        if scale < _COLOR_SCALES:
            found += [_ranked(response, _COLOR_RANKS) for color in colors for response in _color_differences(color)]
        light, *colors = (F.avg_pool2d(plane, 2) for plane in (light, *colors))
    return torch.cat([*found, *_spectrum(pictures.mean(1, keepdim=True))], 1)


def mixed_difference(planes: Tensor) -> Tensor:
    """The second difference across of that along (Immerkær 1996): white noise keeps its σ, most of a picture cancels out.

    Args:
        planes: [N, 1, H, W].

    Returns:
        [N, 1, H − 2, W − 2].
    """
    across = planes[..., 2:] - 2 * planes[..., 1:-1] + planes[..., :-2]
    return (
        across[..., 2:, :] - 2 * across[..., 1:-1, :] + across[..., :-2, :]
    ) / 6  # its mask's weights have a norm of 6


def block_steps(planes: Tensor, side: int, steepest: float) -> Tensor:
    """How much steeper [N, 1, H, W] is across borders of blocks of ``side`` px than inside them, from left to right: [N, 1].

    The blocks may begin anywhere; steps are counted up to ``steepest``.
    """
    steps = (planes[..., 1:] - planes[..., :-1]).abs()
    alone = (steps[..., 1:-1] - (steps[..., :-2] + steps[..., 2:]) / 2).clamp(-steepest, steepest).mean((1, 2))
    by_phase = alone[:, : alone.shape[1] // side * side].view(len(alone), -1, side).mean(1)
    return by_phase.amax(1, keepdim=True) - by_phase.median(1, keepdim=True).values


def _differences(light: Tensor) -> Iterator[Tensor]:
    yield light[..., 1:] - light[..., :-1]
    yield light[..., 1:, :] - light[..., :-1, :]
    yield light[..., 1:, 1:] - light[..., :-1, :-1]
    yield light[..., 1:, :-1] - light[..., :-1, 1:]
    yield mixed_difference(light)


def _directions(light: Tensor) -> Iterator[Tensor]:
    """The structure tensor's eigenvalues: how much cells change where they change least, and the same of the whole picture.

    What is sharp across a motion is not along it, in whichever direction it went.
    """
    diagonal, other = light[..., 1:, 1:] - light[..., :-1, :-1], light[..., :-1, 1:] - light[..., 1:, :-1]
    terms = torch.cat([diagonal.square(), other.square(), diagonal * other], 1) / 2  # of axes turned by 45°
    cells = F.avg_pool2d(terms, _CELL)
    weakest, _ = _eigenvalues(cells.flatten(2))
    yield _at_ranks(weakest, _WEAK_RANKS)
    yield (torch.stack(_eigenvalues(cells.mean((2, 3))), 1) + 1e-7).log()


def _eigenvalues(terms: Tensor) -> tuple[Tensor, Tensor]:
    """[N, 3, …], xx, yy and xy → the smaller and the larger one, [N, …]."""
    xx, yy, xy = terms.unbind(1)
    middle, apart = (xx + yy) / 2, torch.hypot((xx - yy) / 2, xy)
    return (middle - apart).clamp_min(0), middle + apart


def _color_differences(color: Tensor) -> Iterator[Tensor]:
    yield mixed_difference(color)
    yield color[..., 1:] - color[..., :-1]


def _block_figures(light: Tensor) -> Iterator[Tensor]:
    for planes in (light, light.transpose(2, 3)):
        yield (block_steps(planes, 8, _STEEPEST) + 1e-4).log()


def _spectrum(light: Tensor) -> Iterator[Tensor]:
    """How strong the frequencies of blocks of 8 px are, and how much stronger than those of blocks between these.

    What JPEG rounded to nothing is missing on its own grid alone.
    """
    for own, between in zip(_bands(light), _bands(light[..., _BLOCK // 2 :, _BLOCK // 2 :]), strict=True):
        strength = _at_ranks(own, _BAND_RANKS)
        yield strength
        yield strength - _at_ranks(between, _BAND_RANKS)


def _bands(light: Tensor) -> Iterator[Tensor]:
    """[N, 1, H, W] → for each band the energies of all its coefficients in all blocks, [N, M]."""
    waves = _cosines(light)
    blocks = light.unfold(2, _BLOCK, _BLOCK).unfold(3, _BLOCK, _BLOCK)  # [N, 1, h, w, 8, 8]
    down, across = (-(-count // _MOST_BLOCKS) for count in blocks.shape[2:4])
    blocks = blocks[:, :, ::down, ::across]
    energies = (waves @ blocks @ waves.mT).square().flatten(1, 3)
    order = torch.arange(_BLOCK, device=light.device)
    number = order[:, None] + order
    for low, high in _BANDS:
        yield energies[..., (number >= low) & (number < high)].flatten(1)


def _cosines(like: Tensor) -> Tensor:
    """The discrete cosine transform's matrix, [8, 8]: a row for each frequency."""
    order = torch.arange(_BLOCK, device=like.device, dtype=like.dtype)
    waves = ((2 * order + 1) * order[:, None] * (math.pi / (2 * _BLOCK))).cos() / 2
    waves[0] /= math.sqrt(2)
    return waves


def _ranked(response: Tensor, ranks: tuple[float, ...]) -> Tensor:
    """[N, 1, H, W] → [N, len(ranks)]: logarithms of the energies of cells, at these ranks among all cells."""
    return _at_ranks(F.avg_pool2d(response.square(), _CELL).flatten(1), ranks)


def _at_ranks(energies: Tensor, ranks: tuple[float, ...]) -> Tensor:
    """[N, cells] → [N, len(ranks)], logarithms."""
    energies = _in_order(energies)
    places = [round(rank * (energies.shape[1] - 1)) for rank in ranks]
    return (energies[:, places] + 1e-7).log()


def _in_order(energies: Tensor) -> Tensor:
    """Each row in rising order. On a CPU by NumPy, which takes a tenth of torch's time."""
    if energies.device.type != "cpu" or energies.requires_grad or energies.dtype != torch.float32:
        return energies.sort(1).values
    return torch.from_numpy(np.sort(energies.numpy(), axis=1))

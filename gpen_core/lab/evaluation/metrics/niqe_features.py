"""The natural-scene statistics that NIQE compares (Mittal, Soundararajan & Bovik 2013, sections II-A to II-C)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ....imaging.luma import BT601

BLOCK = 96  # pixels; section II-B
FEATURES = 36  # 18 at each of two scales
_WINDOW, _SIGMA = 7, 7 / 6  # the authors' code
_SHIFTS = ((0, 1), (1, 0), (1, 1), (-1, 1))  # neighbors: horizontal, vertical, both diagonals (equation 7 onwards)


@dataclass(frozen=True, eq=False)
class BlockStatistics:
    """``features`` [B, 36] float64 of each block, NaN where a block is flat; ``sharpness`` [B], its mean deviation."""

    features: Tensor
    sharpness: Tensor


def luma(picture: Tensor) -> Tensor:
    """[3, H, W] RGB in [0, 1] → [H, W] float64 in whole steps of 0 … 255, as of a file of 8 bits."""
    # over the full range, as MATLAB's rgb2gray in the authors' code
    weights = torch.tensor(BT601, dtype=torch.float64)[:, None, None]
    return ((picture.double().clamp(0, 1) * 255).round() * weights).sum(0).round()


def block_statistics(gray: Tensor) -> BlockStatistics:
    """gray: [H, W] in [0, 255] → the statistics of its blocks of 96 px.

    Blocks start at the top left; incomplete blocks at the right and bottom are ignored, as in the authors' code.
    """
    rows, columns = gray.shape[0] // BLOCK, gray.shape[1] // BLOCK
    gray = gray[: rows * BLOCK, : columns * BLOCK].double()
    if not rows * columns:
        return BlockStatistics(gray.new_zeros(0, FEATURES), gray.new_zeros(0))
    normalized, deviation = _mscn(gray)
    halved, _ = _mscn(half(gray))
    features = torch.cat((_features(_blocks(normalized, BLOCK)), _features(_blocks(halved, BLOCK // 2))), dim=1)
    return BlockStatistics(features, _blocks(deviation, BLOCK).mean((1, 2)))


def _mscn(gray: Tensor) -> tuple[Tensor, Tensor]:
    """Mean-subtracted contrast-normalized values (equation 1) and the local deviation (equation 3), [H, W] both."""
    mean = _gaussian(gray)
    deviation = (_gaussian(gray * gray) - mean * mean).abs().sqrt()
    return (gray - mean) / (deviation + 1), deviation


def _gaussian(gray: Tensor) -> Tensor:
    offsets = torch.arange(_WINDOW, dtype=gray.dtype) - _WINDOW // 2
    line = torch.exp(-0.5 * (offsets / _SIGMA).square())
    return _separable(gray, line / line.sum(), _WINDOW // 2, "replicate")


def half(gray: Tensor) -> Tensor:
    """At half the size, through the antialiasing bicubic filter of MATLAB's imresize: eight taps, mirrored edges."""
    x = (torch.arange(8, dtype=gray.dtype) - 3.5).abs() / 2
    near = 1.5 * x**3 - 2.5 * x**2 + 1  # Keys 1981, a = -0.5
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    line = torch.where(x <= 1, near, far)
    mirrored = torch.cat((gray[:3].flip(0), gray, gray[-3:].flip(0)))
    mirrored = torch.cat((mirrored[:, :3].flip(1), mirrored, mirrored[:, -3:].flip(1)), dim=1)
    return _separable(mirrored, line / line.sum(), 0, "constant", stride=2)


def _separable(gray: Tensor, line: Tensor, padding: int, mode: str, stride: int = 1) -> Tensor:
    """Correlate [H, W] with ``line`` along both axes; as sums of shifted pictures, which float64 is quickest with."""
    padded = F.pad(gray[None, None], (padding,) * 4, mode=mode)[0, 0]
    for axis in (0, 1):
        length = (padded.shape[axis] - len(line)) // stride + 1
        taps = (padded.narrow(axis, tap, (length - 1) * stride + 1) for tap in range(len(line)))
        steps = (taken[::stride] if axis == 0 else taken[:, ::stride] for taken in taps)
        first, *rest = [step * weight for step, weight in zip(steps, line.tolist())]
        padded = sum(rest, start=first)
    return padded


def _blocks(plane: Tensor, side: int) -> Tensor:
    """[H, W] → [B, side, side], row by row."""
    height, width = plane.shape
    tiles = plane.view(height // side, side, width // side, side)
    return tiles.permute(0, 2, 1, 3).reshape(-1, side, side)


def _features(blocks: Tensor) -> Tensor:
    """[B, s, s] of normalized values → [B, 18]: their own distribution, and those of the products with four neighbors."""
    shape, left, right, _ = fit_aggd(blocks)
    columns = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        # Neighbors beyond the block's edge are those of the opposite edge, as in the authors' code.
        shape, left, right, mean = fit_aggd(blocks * blocks.roll(shift, dims=(1, 2)))
        columns += [shape, mean, left, right]
    return torch.stack(columns, dim=1)


def fit_aggd(values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """An asymmetric generalised Gaussian for each block, by moments (Lasmar, Stitou & Berthoumieu 2009).

    values: [B, s, s] → shape, left scale, right scale, mean; [B] each, NaN where a block has no values of one sign.
    """
    values = values.flatten(1)
    left, right = (_root_mean_square(values, side) for side in (values < 0, values > 0))
    balance = left / right
    ratio = values.abs().mean(1).square() / values.square().mean(1)
    ratio = ratio * (balance**3 + 1) * (balance + 1) / (balance**2 + 1).square()
    shape = _shape_of(ratio)
    scale = torch.exp((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2)
    left, right = left * scale, right * scale
    mean = (right - left) * torch.exp(torch.lgamma(2 / shape) - torch.lgamma(1 / shape))
    return shape, left, right, mean


def _root_mean_square(values: Tensor, chosen: Tensor) -> Tensor:
    return ((values * chosen).square().sum(1) / chosen.sum(1)).sqrt()


def _shape_of(ratio: Tensor) -> Tensor:
    """The shape α whose Γ(2/α)² / (Γ(1/α) Γ(3/α)) is nearest, of 0.2, 0.201, … 10 (the authors' grid). NaN stays."""
    shapes, ratios = _shape_table()
    above = torch.searchsorted(ratios, ratio.nan_to_num(0.5)).clamp(1, len(shapes) - 1)
    nearest = torch.where(ratio - ratios[above - 1] <= ratios[above] - ratio, above - 1, above)
    return torch.where(ratio.isnan(), ratio, shapes[nearest])


@cache
def _shape_table() -> tuple[Tensor, Tensor]:
    """The grid's shapes and their ratios, both rising."""
    shapes = torch.arange(200, 10_001, dtype=torch.float64) / 1000
    return shapes, torch.exp(2 * torch.lgamma(2 / shapes) - torch.lgamma(1 / shapes) - torch.lgamma(3 / shapes))

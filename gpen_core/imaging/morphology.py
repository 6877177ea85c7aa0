"""Shapes made larger, smaller and whole: grayscale morphology with disks, on any device."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def dilated(picture: Tensor, radius: float) -> Tensor:
    """The greatest value within a disk around each pixel.

    Args:
        picture: [C, H, W] floating point.
        radius: Of the disk, in pixels; 0 leaves the picture as it is.

    Returns:
        [C, H, W].
    """
    reach = math.floor(radius)
    if reach <= 0:
        return picture
    height = picture.shape[1]
    padded = F.pad(picture[None], (0, 0, reach, reach), value=-math.inf)[0]
    greatest = picture
    for dy in range(-reach, reach + 1):
        half = math.floor(math.sqrt(radius**2 - dy**2))
        rows = padded[:, reach + dy : reach + dy + height]
        greatest = torch.maximum(greatest, F.max_pool2d(rows[None], (1, 2 * half + 1), 1, (0, half))[0])
    return greatest


def eroded(picture: Tensor, radius: float) -> Tensor:
    """The least value within a disk around each pixel; see ``dilated``."""
    return -dilated(-picture, radius)


def closed(picture: Tensor, radius: float) -> Tensor:
    """Dark gaps narrower than a disk are filled; see ``dilated``."""
    return eroded(dilated(picture, radius), radius)


def opened(picture: Tensor, radius: float) -> Tensor:
    """Bright spots smaller than a disk are gone; see ``dilated``."""
    return dilated(eroded(picture, radius), radius)


def reconstructed(seeds: Tensor, within: Tensor) -> Tensor:
    """Hysteresis: the connected parts (over eight neighbors) of ``within`` that hold a seed.

    Args:
        seeds: [1, H, W] of 0 and 1.
        within: [1, H, W] of 0 and 1.

    Returns:
        [1, H, W] of 0 and 1.
    """
    grown = seeds * within
    while True:
        larger = F.max_pool2d(grown[None], 3, 1, 1)[0] * within
        larger = _along_rows(larger, within)
        larger = _along_rows(larger.mT, within.mT).mT
        if torch.equal(larger, grown):
            return grown
        grown = larger


def _along_rows(seeds: Tensor, within: Tensor) -> Tensor:
    """Each run of ones in a row of ``within`` that holds a seed becomes one: so a shape fills in a few rounds."""
    starts = within.clone()
    starts[..., 1:] -= within[..., 1:] * within[..., :-1]
    runs = starts.flatten().long().cumsum(0)
    found = torch.zeros(starts.numel() + 1).to(seeds)
    found.scatter_reduce_(0, runs, (seeds * within).flatten(), "amax")
    return found[runs].view_as(seeds) * within


def filled(mask: Tensor) -> Tensor:
    """mask: [1, H, W] of 0 and 1 → the same without holes: what cannot be reached from the border is inside."""
    outside = 1 - mask
    border = torch.ones_like(mask)
    border[:, 1:-1, 1:-1] = 0
    return 1 - reconstructed(border, outside)

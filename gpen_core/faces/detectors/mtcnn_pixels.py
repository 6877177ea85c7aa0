"""What MTCNN's networks look at: a picture at many sizes, and patches cut out of it. Boxes are edges, as in mtcnn.py."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from ...imaging.warp import resize_filtered

WINDOW = 12  # pixels of a level: P-Net's receptive field
_FACTOR = 0.709  # sqrt(1/2): each level has half the pixels (the authors' released demo)


def mipmaps(image: Tensor) -> list[Tensor]:
    """[3, H, W] → [1, 3, H, W] and its halvings down to 24 px: every later resize starts at most 2x too large.

    That keeps the triangle and bin averages below free of aliasing and their cost independent of the picture's size.
    """
    levels = [image[None]]
    while min(levels[-1].shape[-2:]) >= 48:
        levels.append(_halved(levels[-1]))
    return levels


def _halved(image: Tensor) -> Tensor:
    """[1, 3, H, W] → means of 2×2 pixels, at the end of odd sides of those that are there. A ninth of avg_pool2d's time."""
    height, width = image.shape[-2:]
    if height % 2 or width % 2:
        image = F.pad(image, (0, width % 2, 0, height % 2), mode="replicate")
    rows = image[..., ::2, :] + image[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)


def pyramid(levels: list[Tensor], min_face: float, smallest: float) -> Iterator[tuple[Tensor, tuple[float, float]]]:
    """Levels for P-Net as (pixels [1, 3, h, w], (horizontal scale, vertical scale)), largest first.

    In the first, its window covers ``min_face`` pixels of the picture. Those where it covers less than ``smallest`` are
    left out, not put elsewhere: a network of twelve pixels sees a face better at some scales than at others.
    """
    height, width = levels[0].shape[-2:]
    scale = WINDOW / min_face
    while min(height, width) * scale >= WINDOW:
        if smallest * scale <= WINDOW:
            size = (math.ceil(height * scale), math.ceil(width * scale))
            nearest = levels[min(_halvings(1 / scale), len(levels) - 1)]
            yield resize_filtered(nearest, size, "bilinear"), (size[1] / width, size[0] / height)
        scale *= _FACTOR


def patches(levels: list[Tensor], squares: Tensor, side: int) -> Tensor:
    """squares: [N, 4] → [N, 3, side, side], averaged over each patch pixel's area; mid-gray (0) outside the picture.

    Squares are finite, and a few times as large as the picture at most: what they cost grows with their area.
    """
    found = levels[0].new_empty(len(squares), 3, side, side)
    kinds = [_sampling(size / side, len(levels)) for size in (squares[:, 2] - squares[:, 0]).tolist()]
    for kind in set(kinds):
        rows = torch.tensor([index for index, other in enumerate(kinds) if other == kind], device=squares.device)
        level, samples = kind
        found[rows] = _averaged(levels[level], squares[rows], side, samples, 0.5**level).to(found)
    return found


def _sampling(shrink: float, mipmaps: int) -> tuple[int, int]:
    """Which of the mipmaps to cut a patch from that is to be shrunk so much, and how many samples make a pixel's side."""
    level = min(_halvings(shrink), mipmaps - 1)
    return level, max(1, math.ceil(shrink * 0.5**level))


def _averaged(mipmap: Tensor, squares: Tensor, side: int, samples: int, scale: float) -> Tensor:
    """``squares`` of the picture, out of its copy [1, 3, h, w] at ``scale`` → [N, 3, side, side].

    A pixel is the mean of samples² bilinear samples: of the picture as far as it reaches, and of gray from there. Each of
    them is a patch of its own for grid_sample, so that the mean goes over whole patches: that takes half the time of
    torchvision's roi_align, which does the same on one core (and lets the picture reach half a pixel farther).
    """
    steps = torch.arange(side * samples, device=squares.device).view(side, samples).T + 0.5
    pixels = squares.new_tensor(mipmap.shape[:1:-1])  # width, height
    size = pixels / scale  # of the whole picture
    start = (squares[:, :2] + 0.5) * (2 / size) - 1  # in grid_sample's units, [-1, 1] from edge to edge
    step = (squares[:, 2:] - squares[:, :2]) * (2 / (side * samples)) / size
    places = torch.addcmul(start[..., None, None], step[..., None, None], steps)  # [N, 2, samples, side]
    last = (1 - 1 / pixels)[:, None, None]  # the center of the last pixel: beyond it, grid_sample would mix in gray
    places = torch.where(places.abs() <= 1, places.clamp(-last, last), 3 * places)
    across, along = places.unbind(1)
    grid = squares.new_empty(2, samples, samples, len(squares), side, side)
    grid[0] = across.transpose(0, 1)[None, :, :, None]
    grid[1] = along.transpose(0, 1)[:, None, :, :, None]
    grid = grid.flatten(1, 3).movedim(0, 3)
    sampled = F.grid_sample(mipmap.float().expand(len(grid), -1, -1, -1), grid, align_corners=False)
    return sampled.unflatten(0, (samples**2, -1)).mean(0)


def _halvings(shrink: float) -> int:
    """How often a picture can be halved before it is shrunk by ``shrink`` or less."""
    return max(0, math.floor(math.log2(shrink))) if shrink > 0 else 0

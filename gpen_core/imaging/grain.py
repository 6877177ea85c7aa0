"""Film grain and sensor noise: measured in a picture, and put back on what lost it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from ..errors import OptionError
from ..geometry import size_of

_BLOCK = 16  # pixels: the side of the squares that grain is measured in
_STEP = 8  # pixels between them, or more
_MOST = 1024  # of them
_FEWEST = 4  # fewer tell nothing
_CALM = 0.25  # share of the blocks that count: those whose coarse content changes least, so that what is fine is grain
_COARSE = 2.5  # waves a block: frequencies below are content; what grain has there is told from the two rings above
_RING = 1.5  # waves: how wide a ring is
_STEEPEST = 4.0  # times the inner ring's power: more would be content that has leaked
_CLIPPED = 0.06  # brightness: nearer to black or white, half of the grain is cut off
_INSIDE = 0.7  # of the mask: blocks with more are the face's
_FAINTEST = 0.02  # of the mask: below it nothing is put on


@dataclass(frozen=True)
class Grain:
    """How much grain is put back. Raises OptionError for an amount out of range.

    Attributes:
        amount: 0 = none, 1 = as much as the picture has.
        seed: The same seed gives the same grain.
    """

    amount: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= 1:
            raise OptionError(f"grain must be from 0 to 1, not {self.amount}")


def with_grain(pixels: Tensor, original: Tensor, mask: Tensor, grain: Grain) -> Tensor:
    """Give a restored face the grain that the original has and it has lost.

    Args:
        pixels: [3, H, W] RGB in [0, 1], the restored face as it lies in the picture.
        original: [3, H, W] RGB in [0, 1], the picture there.
        mask: [1, H, W] in [0, 1], how much of each pixel will be replaced. Where that is a part, the original's own grain is
            mixed in: a little more is put on, so that the mixture has as much as the original.
        grain: How much, and from which seed.

    Returns:
        [3, H, W] RGB in [0, 1]. ``pixels`` themselves where the face is too small to measure, or nothing was lost.
    """
    lost = None if grain.amount == 0 else _lost(pixels, original, mask)
    if lost is None or not lost.any():
        return pixels
    generator = torch.Generator().manual_seed(grain.seed)
    made = _grain_like(lost.cpu(), size_of(pixels), generator).to(pixels)
    share = mask.clamp_min(_FAINTEST)
    mixed = ((2 - share) / share).sqrt() * (mask / _FAINTEST).clamp_max(1)  # share² · mixed² + (1 - share)² = 1
    return (pixels + grain.amount * mixed * made).clamp_(0, 1)


def grain_spectrum(picture: Tensor) -> Tensor | None:
    """The power spectrum of a picture's grain, measured where the picture is calm.

    Args:
        picture: [3, H, W] RGB in [0, 1].

    Returns:
        [16, 16, 3, 3]: in each frequency of a square of 16 pixels, the covariance of red, green and blue; their sum is the
        covariance of a pixel. None for a picture that is too small.
    """
    blocks = _blocks(picture)
    return None if blocks is None else _spectrum(blocks[_calm(blocks)])


def _lost(pixels: Tensor, original: Tensor, mask: Tensor) -> Tensor | None:
    """What the original's spectrum has and the restored one's lacks, in blocks of the face where that is calm.

    → Symmetric roots [16, 16, 3, 3], or None for a face that is too small.
    """
    before, after = _blocks(original), _blocks(pixels)
    if before is None or after is None:
        return None
    inside = _blocks(mask)
    calm = _calm(before, None if inside is None else inside.mean((1, 2, 3)))
    power, axes = torch.linalg.eigh(_spectrum(before[calm]) - _spectrum(after[calm]))
    return (axes * power.clamp_min(0).sqrt()[..., None, :]) @ axes.mT


def _blocks(picture: Tensor) -> Tensor | None:
    """[C, H, W] → [N, C, 16, 16], evenly spread; None for a picture that has too few."""
    if min(size_of(picture)) < _BLOCK:
        return None
    step = max(_STEP, math.ceil(math.sqrt(picture[0].numel() / _MOST)))
    blocks = picture.float().unfold(1, _BLOCK, step).unfold(2, _BLOCK, step).permute(1, 2, 0, 3, 4).flatten(0, 1)
    return blocks if len(blocks) >= _FEWEST else None


def _calm(blocks: Tensor, inside: Tensor | None = None) -> Tensor:
    """Which blocks [N, 3, 16, 16] to measure in: those with the least coarse content that are neither black nor white.

    ``inside``: [N], which share of each counts: grain is another in the light than in the dark, so that of a face is its own.
    """
    power = _transformed(blocks).abs().square().sum(1)
    coarse = (power * (_squared_waves() < _COARSE**2).to(power)).sum((1, 2))
    coarse = coarse.masked_fill((blocks.mean((1, 2, 3)) - 0.5).abs() > 0.5 - _CLIPPED, math.inf)
    if inside is not None and int((inside > _INSIDE).sum()) >= _FEWEST / _CALM:
        coarse = coarse.masked_fill(inside <= _INSIDE, math.inf)
    useful = int(coarse.isfinite().sum()) or len(coarse)
    return coarse.argsort()[: max(_FEWEST, round(_CALM * useful))]


def _transformed(blocks: Tensor) -> Tensor:
    """Fourier transforms under a window, scaled so that the squares add up to a pixel's variance."""
    window = torch.hann_window(_BLOCK, periodic=True, device=blocks.device)
    window = window[:, None] * window
    window = window / window.square().mean().sqrt() / _BLOCK**2
    return torch.fft.fft2((blocks - blocks.mean((2, 3), keepdim=True)) * window)


def _spectrum(blocks: Tensor) -> Tensor:
    """[N, 3, 16, 16] → [16, 16, 3, 3], without content.

    Grains are blurred dots, whose power falls as a Gaussian of the frequency: so the coarse part is told from what is next
    to it.
    """
    waves = _transformed(blocks).permute(2, 3, 1, 0)  # [16, 16, 3, N]
    spectrum = (waves @ waves.mH).real / len(blocks)
    squares = _squared_waves().to(spectrum)
    bounds = [(_COARSE + ring * _RING) ** 2 for ring in range(3)]
    rings = [(squares >= low) & (squares < high) for low, high in pairwise(bounds)]
    inner, outer = (spectrum[ring].mean(0) for ring in rings)
    near, far = (squares[ring].mean() for ring in rings)
    slope = (inner.trace() / outer.trace().clamp_min(1e-12)).clamp_min(1).log() / (far - near)
    coarse = inner * (slope * (near - squares)).exp().clamp_max(_STEEPEST)[..., None, None]
    return torch.where((squares < _COARSE**2)[..., None, None], coarse, spectrum)


def _squared_waves() -> Tensor:
    """[16, 16], the squared frequencies of a block's spectrum, in waves a block."""
    axis = torch.fft.fftfreq(_BLOCK) * _BLOCK
    return axis[:, None].square() + axis.square()


def _grain_like(roots: Tensor, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """White noise, filtered by the roots [16, 16, 3, 3] of a spectrum → [3, H, W]."""
    kernels = torch.fft.ifft2(roots.permute(2, 3, 0, 1)).real * _BLOCK  # [3, 3, 16, 16]
    kernels = torch.fft.fftshift(kernels, dim=(2, 3))
    shape = tuple(math.ceil((side + _BLOCK) / 32) * 32 for side in size)  # lengths that a Fourier transform is quick at
    noise = torch.fft.rfft2(torch.randn(3, *shape, generator=generator))
    filtered = torch.fft.irfft2(torch.einsum("ijyx,jyx->iyx", torch.fft.rfft2(kernels, shape), noise), shape)
    return filtered[:, : size[0], : size[1]]

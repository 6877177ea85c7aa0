"""Where a restoration agrees with its picture, and where the model invented something else.

A restoration may add what the picture has lost: fine detail. What the picture still shows, coarse as it is, must be the same
in both. So the restored face is made as coarse as the original and brought to its colors; where the two still differ, by more
than noise can, the model has changed content: a hand, a microphone, hair, a scar.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .blur import gaussian_blur
from .morphology import closed, filled, opened, reconstructed
from .warp import resize_filtered

# Lengths are pixels of a crop of this size; smaller things are not looked for.
_SIDE = 128
_DENOISING = 1.0  # σ: what is compared is without the finest noise
_BLURS = (0.0, 0.7, 1.2, 1.8, 2.5, 3.5, 5.0)  # σ: the original is as blurred as one of these
_FITTED, _COLOR_ROUNDS = 64, 4  # the side of what colors are fitted to, and how often
_GAINS = (0.6, 1.6)  # the least and the most that contrast may be changed by
_COARSE, _FINE = 4.0, 1.0  # σ: content is found on the one scale, and its outline on the other


@dataclass(frozen=True)
class AgreementLimits:
    """When a difference is one of content. Colors are in [0, 1]; of three channels, it is the root of the summed squares.

    The values were chosen on the training half of a folder of faces (``benchmarks/occluders.py``).

    Attributes:
        seed: A difference of the coarse scale that is one of content.
        seed_noise: As ``seed``, as a multiple of the median difference: the higher of the two counts.
        edge: On the fine scale, where content that was found ends at the latest.
        edge_noise: As ``edge``, as a multiple of the median difference.
        edge_share: Where it ends at the latest, as a share of the greatest difference nearby: half way up, where a blurred
            edge was.
        gap: Radius of places without difference, inside, that are closed: there the two have the same color by chance.
        nearby: Radius.
    """

    seed: float = 0.12
    seed_noise: float = 5.0
    edge: float = 0.05
    edge_noise: float = 4.0
    edge_share: float = 0.6
    gap: float = 5.0
    nearby: int = 3


def agreement(restored: Tensor, original: Tensor, limits: AgreementLimits = AgreementLimits()) -> Tensor:
    """The share of a restoration that may be taken, since it shows what the original shows.

    Args:
        restored: [3, S', S'] RGB in [0, 1].
        original: [3, S, S] RGB in [0, 1], the same crop of any size.
        limits: When they differ.

    Returns:
        [1, S', S'] in [0, 1]: 1 where they agree, 0 where the content was changed, soft between.
    """
    after, before = (
        resize_filtered(picture[None].float(), (_SIDE, _SIDE), "bilinear")[0] for picture in (restored, original)
    )
    changed = _changed(_difference(after, before.to(after.device)), limits)
    size = restored.shape[-2:]
    if not changed.any():
        return torch.ones(1, *size, device=restored.device)
    soft = gaussian_blur(changed, 1.0)
    return 1 - F.interpolate(soft[None], size=size, mode="bicubic")[0].clamp(0, 1)


def _difference(restored: Tensor, original: Tensor) -> Tensor:
    """[3, 128, 128], what is left between the two once the restored one is as blurred and as colored as the original."""
    half = (_SIDE // 2, _SIDE // 2)
    after, before = (resize_filtered(picture[None], half, "bilinear")[0] for picture in (restored, original))
    typical = torch.stack([_left_over(after, before, sigma, 0.5).abs().sum(0).median() for sigma in _BLURS])
    return _left_over(restored, original, _BLURS[int(typical.argmin())])


def _left_over(restored: Tensor, original: Tensor, sigma: float, scale: float = 1.0) -> Tensor:
    """The difference of two pictures, the first blurred; both a little more, at ``scale`` times 128 px."""
    wanted = gaussian_blur(original, _DENOISING * scale)
    blurred = gaussian_blur(restored, (sigma**2 + _DENOISING**2) ** 0.5 * scale)
    return wanted - _recolored(blurred, wanted)


def _recolored(picture: Tensor, wanted: Tensor) -> Tensor:
    """``picture`` with the colors of ``wanted``, as far as a gain and an offset of each channel can tell."""
    step = picture.shape[-1] // _FITTED
    gain, offset = _fitted(picture[:, ::step, ::step], wanted[:, ::step, ::step])
    return gain * picture + offset


def _fitted(picture: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Gain and offset [3, 1, 1], fitted where the two differ little: what covers a face must not tint it."""
    gain, offset = torch.ones(3, 1, 1).to(picture), torch.zeros(3, 1, 1).to(picture)
    for _ in range(_COLOR_ROUNDS):
        distance = (wanted - gain * picture - offset).abs().amax(0, keepdim=True)
        weight = 1 / (1 + (distance / (1.5 * distance.median().clamp_min(0.01))) ** 4)
        total = weight.sum()
        mean, goal = ((weight * x).sum((1, 2), keepdim=True) / total for x in (picture, wanted))
        spread = (weight * (picture - mean).square()).sum((1, 2), keepdim=True)
        common = (weight * (picture - mean) * (wanted - goal)).sum((1, 2), keepdim=True)
        prior = 0.005 * total  # a flat face keeps its contrast
        gain = ((common + prior) / (spread + prior)).clamp(*_GAINS)
        offset = goal - gain * mean
    return gain, offset


def _changed(difference: Tensor, limits: AgreementLimits) -> Tensor:
    """[3, 128, 128] → [1, 128, 128], 1 where the content is another."""
    coarse, fine = _norm(gaussian_blur(difference, _COARSE)), _norm(gaussian_blur(difference, _FINE))
    seeds = coarse > torch.clamp_min(limits.seed_noise * coarse.median(), limits.seed)
    if not seeds.any():
        return torch.zeros_like(coarse)
    whole = closed(fine, limits.gap)
    greatest = F.max_pool2d(gaussian_blur(whole, 1.5)[None], 2 * limits.nearby + 1, 1, limits.nearby)[0]
    within = (whole > torch.clamp_min(limits.edge_noise * fine.median(), limits.edge)) & (
        whole > limits.edge_share * greatest
    )
    return opened(filled(closed(reconstructed(seeds.float(), within.float()), 2)), 1)


def _norm(difference: Tensor) -> Tensor:
    return difference.square().sum(0, keepdim=True).sqrt()

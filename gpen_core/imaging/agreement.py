"""Where a restoration agrees with its picture, and where the model invented something else.

A restoration may add what the picture has lost: fine detail. What the picture still shows, coarse as it is, must be the same
in both. So the restored face is made as coarse as the original and brought to its colors; where the two still differ, by more
than noise can, the model has changed content: a hand, a microphone, hair, a scar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .blur import gaussian_blur
from .morphology import closed, dilated, eroded, filled, opened, reconstructed
from .warp import resize_filtered

# Lengths are pixels of a crop of this size; smaller things are not looked for.
_SIDE = 128
_DENOISING = 1.0  # σ: what is compared is without the finest noise
_BLURS = (0.0, 0.7, 1.2, 1.8, 2.5, 3.5, 5.0)  # σ: the original is as blurred as one of these
_FITTED, _COLOR_ROUNDS = 64, 4  # the side of what colors are fitted to, and how often
_PRIOR = 0.005  # variance by which a gain of 1 is expected
_GAINS = (0.6, 1.6)  # the least and the most that contrast may be changed by
_SURELY = (
    0.8  # of the least coarse difference that matters: where all are less at half the size, nothing is looked at closer
)
_COARSE, _FINE = 4.0, 1.0  # σ: content is found on the one scale, and its outline on the other
_SHARP = 0.7  # σ: each pixel is asked on this scale which of two colors it has
_AROUND = 4.0  # σ: within which what covers a face has one color
_WELL_INSIDE, _WELL_OUTSIDE = 3, 4  # radii: what is this far from a first outline counts as covered, or as not
_ROUNDS = 2  # each knows the cover's color from the outline of the last
_LEAST_NOISE = 0.02  # standard deviation of a color
_CERTAIN = 3.0  # how much a single pixel may say, as the logarithm of a likelihood ratio
_DOUBT = 1.0  # by how much more pixels outside of the first outline must say it
_TOGETHER = 1.2  # σ: pixels within which decide together
_EXPECTED = 2.37  # the median of the sum of three squared normal errors


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
    before = before.to(after.device)
    blur, quick = _compared(after, before)
    if _norm(gaussian_blur(quick, _COARSE / 2)).max() < _SURELY * limits.seed:
        return torch.ones(1, *restored.shape[-2:], device=restored.device)
    changed = _changed(_left_over(after, before, (blur,))[0], before, limits)
    size = restored.shape[-2:]
    if not changed.any():
        return torch.ones(1, *size, device=restored.device)
    soft = gaussian_blur(changed, 1.0)
    return 1 - F.interpolate(soft[None], size=size, mode="bicubic")[0].clamp(0, 1)


def _compared(restored: Tensor, original: Tensor) -> tuple[float, Tensor]:
    """How blurred the original is, and what is then left between the two at half the size, [3, 64, 64]."""
    half = (_SIDE // 2, _SIDE // 2)
    after, before = (resize_filtered(picture[None], half, "bilinear")[0] for picture in (restored, original))
    left = _left_over(after, before, _BLURS, 0.5)
    best = int(left.abs().sum(1).flatten(1).median(1).values.argmin())
    return _BLURS[best], left[best]


def _left_over(restored: Tensor, original: Tensor, sigmas: Sequence[float], scale: float = 1.0) -> Tensor:
    """[N, 3, H, W], the difference of two pictures, the first blurred by each; both a little more, at ``scale`` × 128 px."""
    wanted = gaussian_blur(original, _DENOISING * scale)
    blurred = [gaussian_blur(restored, (sigma**2 + _DENOISING**2) ** 0.5 * scale) for sigma in sigmas]
    return wanted - _recolored(torch.stack(blurred), wanted)


def _recolored(pictures: Tensor, wanted: Tensor) -> Tensor:
    """``pictures`` [N, 3, H, W] with the colors of ``wanted``, as far as gain and offset of each channel can tell."""
    step = pictures.shape[-1] // _FITTED
    gain, offset = _fitted(pictures[..., ::step, ::step].flatten(2), wanted[:, ::step, ::step].flatten(1))
    return gain[..., None] * pictures + offset[..., None]


def _fitted(pictures: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Gain and offset [N, 3, 1] of [N, 3, P], fitted where they differ little: what covers a face must not tint it."""
    middle = wanted.mean(1, keepdim=True)  # sums of squares lose no digits around 0
    x, y = pictures - middle, (wanted - middle).expand_as(pictures)
    terms = torch.cat([x, y, x * x, x * y], 1).mT.contiguous()  # [N, P, 12]: one product weighs and sums them all
    gain, offset = torch.ones_like(x[..., :1]), torch.zeros_like(x[..., :1])
    for _ in range(_COLOR_ROUNDS):
        distance = (y - gain * x - offset).abs().amax(1, keepdim=True)
        typical = distance.median(2, keepdim=True).values.clamp_min(0.01)
        weight = 1 / (1 + (distance / (1.5 * typical)).square().square())
        mean, goal, square, common = ((weight @ terms) / weight.sum(2, keepdim=True)).mT.chunk(4, 1)
        # a flat face keeps its contrast
        gain = ((common - mean * goal + _PRIOR) / (square - mean * mean + _PRIOR)).clamp(*_GAINS)
        offset = goal - gain * mean
    return gain, offset + middle - gain * middle


def _changed(difference: Tensor, original: Tensor, limits: AgreementLimits) -> Tensor:
    """Both [3, 128, 128] → [1, 128, 128], 1 where the content is another."""
    outline = _outline(difference, limits)
    return _refined(outline, difference, gaussian_blur(original, _DENOISING)) if outline.any() else outline


def _outline(difference: Tensor, limits: AgreementLimits) -> Tensor:
    """[3, 128, 128] → [1, 128, 128], 1 where the content is another, with narrow gaps closed."""
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


def _refined(outline: Tensor, difference: Tensor, original: Tensor) -> Tensor:
    """Of two colors, the restored face's and that of what covers it nearby, each pixel has the nearer one.

    Gaps between fingers open by that, and edges lie in the middle between both colors. Where the two are alike, a pixel
    says nothing, and its neighbors decide.
    """
    left, seen = gaussian_blur(difference, _SHARP), gaussian_blur(original, _SHARP)
    off_face = left.square().sum(0, keepdim=True)
    noise = _noise_of(off_face, outline)
    reach, covered = dilated(outline, 2), outline
    for _ in range(_ROUNDS):
        off_cover = (seen - _cover_color(covered, seen, off_face, noise)).square().sum(0, keepdim=True)
        evidence = ((off_face - off_cover) / (2 * noise)).clamp(-_CERTAIN, _CERTAIN)
        votes = gaussian_blur(evidence, _TOGETHER) - _DOUBT * (1 - outline)
        within = (votes > 0).float() * reach
        covered = opened(filled(closed(reconstructed(within * outline, within), 1)), 1)
    return covered


def _noise_of(off_face: Tensor, outline: Tensor) -> Tensor:
    """The variance of a color where the two pictures show the same."""
    same = off_face[dilated(outline, _WELL_OUTSIDE) == 0]
    median = same.median() if len(same) else off_face.new_zeros(())
    return (median / _EXPECTED).clamp_min(_LEAST_NOISE**2)


def _cover_color(covered: Tensor, seen: Tensor, off_face: Tensor, noise: Tensor) -> Tensor:
    """[3, H, W], the color of what covers the face around each pixel: of what lies well inside, or of all where it is thin."""
    inside = eroded(covered, _WELL_INSIDE)
    known = torch.where(gaussian_blur(inside, _AROUND) > 1e-3, inside, covered)
    distance = off_face.sqrt()
    weight = known * distance / (distance + 2 * noise.sqrt()) + 1e-6 * covered
    return gaussian_blur(seen * weight, _AROUND) / (gaussian_blur(weight, _AROUND) + 1e-4)


def _norm(difference: Tensor) -> Tensor:
    return difference.square().sum(0, keepdim=True).sqrt()

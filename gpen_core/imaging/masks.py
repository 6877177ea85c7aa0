"""Where a restored face replaces the picture, and how softly."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import OptionError
from ..geometry import size_of, template_points
from .warp import Rect

# The face's oval in units of the template's own distances: between the eyes (across) and from eyes to mouth (along).
# Cheek to cheek is about 2.3 and hairline to chin about 2.6 of those (Farkas 1994); a little more, since the edge is soft.
_OVAL_CENTRE = 0.38  # of the way from the eyes to the mouth
_OVAL_ACROSS = 1.38
_OVAL_ALONG = 1.45

_WITHIN = 2.2  # standard deviations beyond which a Gaussian edge has all but faded (1.4 % are left)
_TAPS = 3.0  # standard deviations up to which the Gaussian is computed
_REGION_SIDE = 512  # the parser's own: beyond it a region says nothing more

_RIM = 26 / 512  # of the crop's side: no mask this close to its border, as in the published recipe


def ellipse_mask(size: int, template: str, softness: float) -> Tensor:
    """A soft oval over the face, in the template's frame. [1, size, size] in [0, 1]

    ``softness`` in (0, 1]: the part of the oval's radius over which it fades to 0. The oval follows the template's
    points, so it fits every face that was aligned to it, up to the shape of its head.
    """
    if not 0 < softness <= 1:
        raise OptionError(f"mask softness must be above 0 and at most 1, not {softness}")
    left_eye, right_eye, _, left_mouth, right_mouth = template_points(template, size)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    centre = eyes + _OVAL_CENTRE * (mouth - eyes)
    across = _OVAL_ACROSS * float(torch.linalg.vector_norm(right_eye - left_eye))
    along = _OVAL_ALONG * float(torch.linalg.vector_norm(mouth - eyes))
    axis = torch.arange(size, dtype=torch.float32)
    x, y = (axis - float(centre[0])) / across, (axis - float(centre[1])) / along
    radius = (x.square()[None, :] + y.square()[:, None]).sqrt()
    return smoothstep((1 - radius) / softness)[None]


def region_mask(inside: Tensor, softness: float) -> Tensor:
    """A face region made soft: [1, S, S] of 0 and 1 → [1, S, S] in [0, 1], 0 at the crop's border.

    The region shrinks and blurs by the same amount, so that the fading lies within it.
    """
    size, side = inside.shape[-1], min(inside.shape[-1], _REGION_SIDE)
    region = F.interpolate(inside[None], (side, side), mode="nearest-exact")[0] * _rim(side).to(inside)
    sigma = max(softness * side / 32, 0.5)
    soft = _blurred(_eroded(region, round(_WITHIN * sigma)), sigma) * border_fade(side).to(inside)
    return F.interpolate(soft[None], (size, size), mode="bilinear")[0].clamp(0, 1)


def _eroded(inside: Tensor, reach: int) -> Tensor:
    """[1, S, S] of 0 and 1, smaller by ``reach`` pixels on every side: 1 where the whole square around a pixel is."""
    near = (_distances(inside) <= reach).to(inside)
    return (near @ inside @ near > (2 * reach + 1) ** 2 - 0.5).to(inside)


def _blurred(mask: Tensor, sigma: float) -> Tensor:
    """[1, S, S], Gaussian, with nothing beyond the border. A product with a band matrix along each axis: the fastest way
    for the widths that occur here."""
    distances = _distances(mask)
    weights = torch.where(distances <= round(_TAPS * sigma), (-0.5 * (distances / sigma).square()).exp(), 0.0)
    weights = weights / weights.sum(0).amax()
    return weights @ mask @ weights


def _distances(square: Tensor) -> Tensor:
    """How far pixels of a row lie apart: [S, S] for a picture [1, S, S], where that is."""
    axis = torch.arange(square.shape[-1], device=square.device, dtype=square.dtype)
    return (axis[:, None] - axis).abs()


def border_fade(size: int) -> Tensor:
    """1 inside, falling to 0 within the rim along the crop's border. [1, size, size]"""
    edge = torch.arange(size, dtype=torch.float32)
    distance = torch.minimum(edge, size - 1 - edge) / max(_RIM * size, 1)
    ramp = smoothstep(distance)
    return (ramp[None, :] * ramp[:, None])[None]


def smoothstep(x: Tensor) -> Tensor:
    """0 below 0, 1 above 1, and 3x² − 2x³ between."""
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)


def _rim(size: int) -> Tensor:
    rim = round(_RIM * size)
    keep = torch.zeros(1, size, size)
    keep[:, rim : size - rim, rim : size - rim] = 1
    return keep


def change_mask(before: Tensor, after: Tensor, crop_side: int | None = None) -> Tensor:
    """Where a model changed anything at all. [3, H, W] twice → [1, H, W]: 0 where it changed less than half a step of
    8 bits, 1 from one and a half on.

    Cutting a face out and pasting it back costs a little sharpness; where the model left the picture alone, the
    picture itself is better than that. ``crop_side``: side of the whole crop in these pixels, where this is a part of it.
    """
    height, width = size_of(after)
    change = (after - before).abs_().amax(0)
    half = round((crop_side or width) / 128)
    if half:  # a few pixels wide, since a change crosses zero somewhere without being none
        change = F.pad(change, (0, -width % (2 * half), 0, -height % (2 * half)))
        cells = change.unflatten(1, (-1, half)).amax(2).unflatten(0, (-1, half)).amax(1) if half > 1 else change
        blocks = _greatest_around(cells)[None, None]
        change = F.interpolate(blocks, scale_factor=2 * half, mode="bilinear", align_corners=False)[0, 0]
    return (change[None, :height, :width] * 255 - 0.5).clamp_(0, 1)


def _greatest_around(cells: Tensor) -> Tensor:
    """[2h, 2w], none negative → [h, w], the greatest of 4×4 around each four. A quarter of max_pool2d's time."""
    cells = F.pad(cells, (1, 1, 1, 1))
    pairs = torch.maximum(cells[::2], cells[1::2])
    rows = torch.maximum(pairs[:-1], pairs[1:])
    pairs = torch.maximum(rows[:, ::2], rows[:, 1::2])
    return torch.maximum(pairs[:, :-1], pairs[:, 1:])


def mask_box(mask: Tensor) -> Rect | None:
    """[1, H, W] → the rectangle outside which the mask is 0; None for an empty mask."""
    rows = mask[0].amax(1).nonzero()
    if len(rows) == 0:
        return None
    first, last = int(rows[0]), int(rows[-1])
    columns = mask[0, first : last + 1].amax(0).nonzero()
    return int(columns[0]), first, int(columns[-1]) + 1, last + 1

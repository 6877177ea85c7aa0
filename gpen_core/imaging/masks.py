"""Blend masks: where a restored face replaces the original, with soft edges."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import OptionError
from ..geometry import size_of, template_points
from .warp import Rect

# The face's oval in units of the template's own distances: between the eyes (across) and from eyes to mouth (along).
# Cheek to cheek is about 2.3 and hairline to chin about 2.6 of those (Farkas 1994); a little more, since the edge is soft.
_OVAL_CENTER = 0.38  # of the way from the eyes to the mouth
_OVAL_ACROSS = 1.38
_OVAL_ALONG = 1.45

_WITHIN = 2.2  # standard deviations beyond which a Gaussian edge has all but faded (1.4 % are left)
_TAPS = 3.0  # standard deviations up to which the Gaussian is computed
_REGION_SIDE = 512  # the parser's own: beyond it a region says nothing more

_RIM = 26 / 512  # of the crop's side: no mask this close to its border, as in the published recipe


def ellipse_mask(size: int, template: str, softness: float) -> Tensor:
    """A soft oval over an aligned face.

    The oval follows the template's points, so it fits every face aligned to it, up to the shape of the head.

    Args:
        size: Side of the crop, in pixels.
        template: Alignment template, "gpen" or "ffhq".
        softness: Width of the soft edge as a fraction of the radius, in (0, 1].

    Returns:
        [1, size, size] in [0, 1].

    Raises:
        OptionError: Unknown template, or softness out of range.
    """
    if not 0 < softness <= 1:
        raise OptionError(f"mask softness must be above 0 and at most 1, not {softness}")
    left_eye, right_eye, _, left_mouth, right_mouth = template_points(template, size)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    center = eyes + _OVAL_CENTER * (mouth - eyes)
    across = _OVAL_ACROSS * float(torch.linalg.vector_norm(right_eye - left_eye))
    along = _OVAL_ALONG * float(torch.linalg.vector_norm(mouth - eyes))
    axis = torch.arange(size, dtype=torch.float32)
    x, y = (axis - float(center[0])) / across, (axis - float(center[1])) / along
    radius = (x.square()[None, :] + y.square()[:, None]).sqrt()
    return smoothstep((1 - radius) / softness)[None]


def region_mask(inside: Tensor, softness: float) -> Tensor:
    """A soft mask from a face region. The region is eroded and then blurred, so that the soft edge lies within it.

    Args:
        inside: [1, S, S], 1 inside the region, 0 elsewhere.
        softness: Width of the soft edge, in (0, 1].

    Returns:
        [1, S, S] in [0, 1], 0 at the border of the crop.
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
    """Gaussian blur of [1, S, S] with zero padding.

    Computed as products with band matrices, the fastest way for the widths used here.
    """
    distances = _distances(mask)
    weights = torch.where(distances <= round(_TAPS * sigma), (-0.5 * (distances / sigma).square()).exp(), 0.0)
    weights = weights / weights.sum(0).amax()
    return weights @ mask @ weights


def _distances(square: Tensor) -> Tensor:
    """Distances between the pixels of a row: [S, S] for an image [1, S, S], on its device."""
    axis = torch.arange(square.shape[-1], device=square.device, dtype=square.dtype)
    return (axis[:, None] - axis).abs()


def border_fade(size: int) -> Tensor:
    """A mask [1, size, size] that is 1 inside and falls to 0 at the border of the crop."""
    edge = torch.arange(size, dtype=torch.float32)
    distance = torch.minimum(edge, size - 1 - edge) / max(_RIM * size, 1)
    ramp = smoothstep(distance)
    return (ramp[None, :] * ramp[:, None])[None]


def smoothstep(x: Tensor) -> Tensor:
    """3x² − 2x³, with x clamped to [0, 1]."""
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)


def _rim(size: int) -> Tensor:
    rim = round(_RIM * size)
    keep = torch.zeros(1, size, size)
    keep[:, rim : size - rim, rim : size - rim] = 1
    return keep


def change_mask(before: Tensor, after: Tensor, crop_side: int | None = None) -> Tensor:
    """Where a model changed anything.

    Cropping a face and pasting it back costs some sharpness; where the model changed nothing, the original is better.

    Args:
        before: [3, H, W] RGB in [0, 1].
        after: [3, H, W] RGB in [0, 1].
        crop_side: Side of the whole crop in these pixels, if the images are only a part of it.

    Returns:
        [1, H, W]: 0 where the change is below half an 8-bit step, 1 from one and a half steps.
    """
    height, width = size_of(after)
    change = (after - before).abs_().amax(0)
    half = round((crop_side or width) / 128)
    if half:  # over a few pixels, since a change may be 0 where it changes sign
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
    """The rectangle outside of which the mask [1, H, W] is 0, or None for an empty mask."""
    rows = mask[0].amax(1).nonzero()
    if len(rows) == 0:
        return None
    first, last = int(rows[0]), int(rows[-1])
    columns = mask[0, first : last + 1].amax(0).nonzero()
    return int(columns[0]), first, int(columns[-1]) + 1, last + 1

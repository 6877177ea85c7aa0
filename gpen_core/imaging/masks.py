"""Where a restored face replaces the picture, and how softly."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import OptionError
from ..geometry import template_points

# The face's oval in units of the template's own distances: between the eyes (across) and from eyes to mouth (along).
# Cheek to cheek is about 2.3 and hairline to chin about 2.6 of those (Farkas 1994); a little more, since the edge is soft.
_OVAL_CENTRE = 0.38  # of the way from the eyes to the mouth
_OVAL_ACROSS = 1.38
_OVAL_ALONG = 1.45

_WITHIN = 2.2  # standard deviations beyond which a Gaussian edge has all but faded (1.4 % are left)

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
    from kornia.filters import gaussian_blur2d

    size = inside.shape[-1]
    sigma = max(softness * size / 32, 0.5)
    eroded = _eroded(inside * _rim(size).to(inside), round(_WITHIN * sigma))
    kernel = 2 * round(3 * sigma) + 1
    blurred = gaussian_blur2d(eroded[None], (kernel, kernel), (sigma, sigma), border_type="constant")[0]
    return (blurred * border_fade(size).to(blurred)).clamp(0, 1)


def _eroded(inside: Tensor, reach: int) -> Tensor:
    """[1, S, S] of 0 and 1, smaller by ``reach`` pixels on every side; one axis after the other."""
    side = 2 * reach + 1
    outside = F.max_pool2d(1 - inside[None], (side, 1), stride=1, padding=(reach, 0))
    return 1 - F.max_pool2d(outside, (1, side), stride=1, padding=(0, reach))[0]


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


def change_mask(before: Tensor, after: Tensor) -> Tensor:
    """Where a model changed anything at all. [3, S, S] twice → [1, S, S]: 0 where it changed less than half a step of
    8 bits, 1 from one and a half on.

    Cutting a face out and pasting it back costs a little sharpness; where the model left the picture alone, the
    picture itself is better than that.
    """
    size = after.shape[-1]
    change = (after - before).abs().amax(0, keepdim=True)[None]
    block = max(size // 64, 1)
    if block > 1:  # a few pixels wide, since a change crosses zero somewhere without being none
        change = F.max_pool2d(change, 2 * block, stride=block, padding=block // 2)
        change = F.interpolate(change, size=(size, size), mode="bilinear", align_corners=False)
    return (change[0] * 255 - 0.5).clamp(0, 1)

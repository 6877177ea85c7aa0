"""How a face moved from one frame to the next, read off its pixels: far steadier than two detections one after the other."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry import apply_affine, compose, invert_affine, mapped_box, size_of
from ..imaging.blur import gaussian_blur
from ..imaging.masks import ellipse_mask
from ..types import Face
from .alignment import crop_transform

_SIDE = 96  # px of the aligned crop in which faces are compared
_TEMPLATE = "ffhq"
_DENOISING = 0.8  # σ, px: of 0.8, 1.2 and 2, that with the steadiest motion, at all qualities
_ROUNDS = 8
_ENOUGH = 0.02  # px: a smaller step ends the search
_FARTHEST = 0.15  # of the side: whatever moved by more is not known
_ALIKE = 0.8  # least correlation of what is said to be the same face
_FLAT = 0.01  # standard deviation of a crop in which there is nothing to hold on to


def motion_between(frame: Tensor, face: Face, later: Tensor, expected: Face) -> Tensor | None:
    """The similarity that takes a face from one frame to a later one.

    Lucas and Kanade 1981, in the inverse compositional form (Baker and Matthews 2004), with weights that leave out what does
    not move with the face.

    Args:
        frame: [3 or more, H, W], uint8, uint16 or floating point in [0, 1].
        face: In it.
        later: Another frame of the same size.
        expected: About where the face is in that one.

    Returns:
        frame_to_later [2, 3] float64; None where the two do not look alike enough to tell.
    """
    before_to_crop, after_to_crop = (crop_transform(one, _SIDE, _TEMPLATE) for one in (face, expected))
    before = _patch(frame, before_to_crop)
    after = _patch(later, after_to_crop, margin=_FARTHEST)
    if before is None or after is None:
        return None
    warped = _registered(before, after)
    if warped is None:
        return None
    # A point x of the first crop is found at warped(x) in the second one.
    return compose(compose(before_to_crop, warped), invert_affine(after_to_crop))


def _patch(frame: Tensor, to_crop: Tensor, margin: float = 0.0) -> Tensor | None:
    """The luma of an aligned crop, [1, 1, S, S], S = 96 · (1 + 2 margin), denoised; None where it is not in the frame."""
    edge = round(margin * _SIDE)
    side = _SIDE + 2 * edge
    crop_to_frame = invert_affine(to_crop)
    height, width = size_of(frame)
    x0, y0, x1, y1 = mapped_box(crop_to_frame, (_SIDE, _SIDE))
    grow = (margin + 0.1) * max(x1 - x0, y1 - y0)
    left, top = max(0, math.floor(x0 - grow)), max(0, math.floor(y0 - grow))
    right, bottom = min(width, math.ceil(x1 + grow) + 1), min(height, math.ceil(y1 + grow) + 1)
    if right - left < 8 or bottom - top < 8:
        return None
    part = frame[:3, top:bottom, left:right]
    luma = part.float().mean(0)[None, None]
    luma = luma if part.is_floating_point() else luma / (255 if part.dtype == torch.uint8 else 65535)
    scale = math.sqrt(abs(float(torch.linalg.det(crop_to_frame[:, :2]))))  # frame pixels a crop pixel
    shrunk = max(1, min(int(scale), right - left, bottom - top))
    if shrunk > 1:
        luma = F.avg_pool2d(luma, shrunk)
    if scale > 1:
        luma = gaussian_blur(luma[0], 0.5 * scale / shrunk)[None]
    corners = torch.tensor([[-edge, -edge], [side - edge, -edge], [-edge, side - edge]], dtype=torch.float64)
    a, b, c = apply_affine(crop_to_frame, corners).tolist()
    step_x, step_y = [(v - u) / side for u, v in zip(a, b)], [(v - u) / side for u, v in zip(a, c)]
    axis = torch.arange(side, dtype=torch.float32)
    x = a[0] - left + 0.5 + step_x[0] * axis[None] + step_y[0] * axis[:, None]  # from the part's own edge
    y = a[1] - top + 0.5 + step_x[1] * axis[None] + step_y[1] * axis[:, None]
    rows, columns = (shrunk * side for side in luma.shape[-2:])
    grid = torch.stack((2 * x / columns - 1, 2 * y / rows - 1), -1)
    sampled = F.grid_sample(luma.cpu(), grid[None], mode="bilinear", padding_mode="border", align_corners=False)
    return gaussian_blur(sampled[0], _DENOISING)[None]


@lru_cache(maxsize=1)
def _window() -> tuple[Tensor, Tensor, Tensor]:
    """Weights [S, S] of the oval, and coordinates [S, S] from the middle."""
    axis = torch.arange(_SIDE, dtype=torch.float32) - (_SIDE - 1) / 2
    x, y = axis[None].expand(_SIDE, -1), axis[:, None].expand(-1, _SIDE)
    return ellipse_mask(_SIDE, _TEMPLATE, 0.5)[0], x, y


def _registered(before: Tensor, after: Tensor) -> Tensor | None:
    """[2, 3] that takes coordinates of the first crop to those of the second, both without margin."""
    weights, x, y = _window()
    wanted = _even(before[0, 0], weights)
    if wanted is None:
        return None
    gx = F.pad((wanted[:, 2:] - wanted[:, :-2]) / 2, (1, 1))
    gy = F.pad((wanted[2:] - wanted[:-2]) / 2, (0, 0, 1, 1))
    # Beside the motion, contrast and brightness: eyes that close change those of the whole, which would pass for growth.
    looks = (wanted, torch.ones_like(wanted))
    steepest = torch.stack((gx * x + gy * y, -gx * y + gy * x, gx, gy, *looks)).flatten(1)  # [6, S·S]
    a, b, u, v = 1.0, 0.0, 0.0, 0.0
    gain, offset = 0.0, 0.0
    found = wanted
    for _ in range(_ROUNDS):
        sampled = _even(_sampled(after, a, b, u, v, x, y), weights)
        if sampled is None:
            return None
        found = sampled
        error = found - wanted - gain * wanted - offset
        spread = 1.5 * float(error.abs()[weights > 0.5].median()) + 1e-6
        trust = (weights / (1 + (error / (2 * spread)).square())).flatten()
        normal = (steepest * trust) @ steepest.T
        step = torch.linalg.solve(
            normal + 1e-6 * torch.eye(6) * normal.diagonal().mean(), steepest @ (trust * error.flatten())
        )
        da, db, du, dv, more, higher = step.tolist()
        gain, offset = gain + more, offset + higher
        a, b, u, v = _without(a, b, u, v, 1 + da, db, du, dv)
        if max(abs(du), abs(dv), _SIDE / 2 * max(abs(da), abs(db))) < _ENOUGH:
            break
    alike = float((found * wanted * weights).sum() / weights.sum())
    if alike < _ALIKE or max(abs(u), abs(v)) > _FARTHEST * _SIDE or not 0.8 < math.hypot(a, b) < 1.25:
        return None
    middle = (_SIDE - 1) / 2
    shift_x = middle + u - a * middle + b * middle
    shift_y = middle + v - b * middle - a * middle
    return torch.tensor([[a, -b, shift_x], [b, a, shift_y]], dtype=torch.float64)


def _even(luma: Tensor, weights: Tensor) -> Tensor | None:
    """Without its brightness and contrast inside the oval; None where it is flat."""
    total = weights.sum()
    mean = (luma * weights).sum() / total
    centered = luma - mean
    spread = float(((centered.square() * weights).sum() / total).sqrt())
    return None if not spread > _FLAT else centered / spread


def _sampled(after: Tensor, a: float, b: float, u: float, v: float, x: Tensor, y: Tensor) -> Tensor:
    """The second crop [1, 1, S', S'] at the places that the first one's pixels are taken to, [S, S].

    Bilinear: torch's bicubic kernel shows what lies a quarter of a pixel away at 0.3 px, which would pass for motion.
    """
    side = after.shape[-1]
    grid = torch.stack((a * x - b * y + u, b * x + a * y + v), -1) * (2 / side)
    return F.grid_sample(after, grid[None], mode="bilinear", padding_mode="border", align_corners=False)[0, 0]


def _without(
    a: float, b: float, u: float, v: float, da: float, db: float, du: float, dv: float
) -> tuple[float, float, float, float]:
    """The first similarity after the inverse of the second; each is z → (a + ib) z + (u + iv)."""
    turn, shift = complex(a, b), complex(u, v)
    step, moved = complex(da, db), complex(du, dv)
    turned = turn / step
    shift = shift - turned * moved
    return turned.real, turned.imag, shift.real, shift.imag

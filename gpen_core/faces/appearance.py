"""Whether a frame still shows the face that was found in it: a few brightnesses remember what the box showed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..geometry import size_of
from ..imaging.blur import gaussian_blur
from ..imaging.numbers import in_unit_range
from ..types import Face
from .moving import resized_with

_SIDE = 48  # of the remembered picture: coarse, so that it outlives scaling, compression, noise and restoring
# σ: what is coarser is the same in all portraits, whose eyes, nose and mouth lie at the same places. The second sees even a
# face of a dozen pixels that was enlarged, and counts by so much less, since other portraits are more alike there.
_LAYOUT, _COARSER_LAYOUT, _LESS = 1.5, 2.5, 0.1
_LUMA = (0.299, 0.587, 0.114)
_FLAT = 0.5 / 255  # a spread of brightness below this shows nothing to compare


def appearance_of(frame: Tensor, face: Face) -> bytes:
    """What the face's box shows, for ``Face.appearance``.

    Args:
        frame: [3 or more, H, W] RGB in [0, 1], the one the face was found in or a resized copy of it.
        face: In coordinates of the frame it was found in.

    Returns:
        Brightness of 48×48 parts, row by row, in 0 … 255; empty if nothing of the box is in the frame.
    """
    seen = _seen(frame, face)
    return b"" if seen is None else bytes((seen * 255).round().clamp(0, 255).byte().cpu().flatten().tolist())


def likeness_to(frame: Tensor, face: Face) -> float | None:
    """How much the face's box shows what it showed when the face was found.

    Args:
        frame: As for ``appearance_of``.
        face: With its ``appearance``.

    Returns:
        How well both correlate, up to 1: near that for the same picture, brighter, sharper, in other colors or negative too.
        None where nothing can be compared.
    """
    seen = _seen(frame, face)
    if seen is None or len(face.appearance) != _SIDE**2:
        return None
    then = torch.tensor(list(face.appearance), dtype=torch.float32).view(_SIDE, _SIDE) / 255
    now = seen.cpu()
    if min(float(then.std()), float(now.std())) < _FLAT:
        return None if float(then.std()) < _FLAT else 0.0
    return max(_likeness(then, now, _LAYOUT), _likeness(then, now, _COARSER_LAYOUT) - _LESS)


def _likeness(then: Tensor, now: Tensor, layout: float) -> float:
    return _correlation(then - gaussian_blur(then, layout), now - gaussian_blur(now, layout))


def _correlation(one: Tensor, other: Tensor) -> float:
    """Of two planes, whatever its sign."""
    one, other = one.flatten() - one.mean(), other.flatten() - other.mean()
    return abs(float(one @ other)) / max(float(one.norm() * other.norm()), 1e-9)


def _seen(frame: Tensor, face: Face) -> Tensor | None:
    """[48, 48] brightness of the part of the box that is in the frame."""
    height, width = size_of(frame)
    x0, y0, x1, y1 = resized_with(face, (height, width)).box
    left, right = max(0, round(x0)), min(width, round(x1) + 1)
    top, bottom = max(0, round(y0)), min(height, round(y1) + 1)
    if right <= left or bottom <= top:
        return None
    part = F.adaptive_avg_pool2d(in_unit_range(frame[:3, top:bottom, left:right]), _SIDE)
    return torch.einsum("c,chw->hw", part.new_tensor(_LUMA), part)

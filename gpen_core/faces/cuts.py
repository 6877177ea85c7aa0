"""Where one scene ends and another begins."""

from __future__ import annotations

from collections import deque

import torch
import torch.nn.functional as F
from torch import Tensor

_ROWS, _COLUMNS = 18, 32
_UNLIKE = 0.45  # of 0 … 2: beyond this, two frames show different things
_SUDDEN = 4.0  # times as unlike as the frames before were, or the camera only moves fast
_MEMORY = 12  # frames before
_FLAT = 0.01  # standard deviation of a frame that shows nothing


def frame_sketch(frame: Tensor) -> Tensor:
    """A frame in 18 × 32 numbers without brightness and contrast, so that a flash or a fade is no cut.

    Args:
        frame: [3 or more, H, W] RGB in [0, 1].

    Returns:
        [576] of mean 0 and length 1, or 0 throughout where the frame is flat.
    """
    step = max(1, min(frame.shape[-2] // (4 * _ROWS), frame.shape[-1] // (4 * _COLUMNS)))
    luma = frame[:3, ::step, ::step].float().mean(0)
    small = F.adaptive_avg_pool2d(luma[None, None], (_ROWS, _COLUMNS)).flatten()
    even = small - small.mean()
    return even / even.norm() if float(even.std()) > _FLAT else torch.zeros_like(even)


def unlikeness(sketch: Tensor, other: Tensor) -> float:
    """0 for the same, 1 for two that have nothing in common, 2 for opposites."""
    return 1 - float(sketch @ other)


class CutFinder:
    """Tells at each frame whether a scene begins with it."""

    def __init__(self) -> None:
        self._before: Tensor | None = None
        self._recent: deque[float] = deque(maxlen=_MEMORY)

    def is_cut(self, frame: Tensor) -> bool:
        """Look at the next frame, [3 or more, H, W] RGB in [0, 1] → whether it is the first of another scene."""
        sketch, before = frame_sketch(frame), self._before
        self._before = sketch
        if before is None:
            return False
        change = unlikeness(sketch, before)
        usual = sorted(self._recent)[len(self._recent) // 2] if self._recent else 0.0
        self._recent.append(change)
        if change <= max(_UNLIKE, _SUDDEN * usual):
            return False
        self._recent.clear()
        return True

"""Whether pictures are a clip."""

from __future__ import annotations

import math

from torch import Tensor

from ...errors import OptionError
from ...faces.cuts import frame_sketch, unlikeness
from ...modes import AUTO, ON, VIDEO_MODES
from .options import VideoOptions

_NEAR_FRAMES = 0.12  # unlikeness of neighbors in a clip, at the median
_MOST_LOOKED_AT = 40  # pairs of a long batch


def video_options_for(mode: str, frames: Tensor) -> VideoOptions | None:
    """What ``restore_image`` takes for a batch [B, 3 or more, H, W] with one of ``VIDEO_MODES``. Raises OptionError."""
    if mode not in VIDEO_MODES:
        raise OptionError(f"unknown video mode '{mode}'. Known: {', '.join(VIDEO_MODES)}.")
    return VideoOptions() if mode == ON or (mode == AUTO and looks_like_video(frames)) else None


def looks_like_video(frames: Tensor) -> bool:
    """Whether a batch is a clip: neighbors are as alike as those of a camera that runs, apart from cuts.

    Args:
        frames: [B, 3 or more, H, W] RGB in [0, 1].
    """
    if len(frames) < 3:
        return False
    step = max(1, (len(frames) - 1) // _MOST_LOOKED_AT)
    starts = range(0, len(frames) - 1, step)
    changes = sorted(unlikeness(frame_sketch(frames[i]), frame_sketch(frames[i + 1])) for i in starts)
    return all(map(math.isfinite, changes)) and changes[len(changes) // 2] <= _NEAR_FRAMES

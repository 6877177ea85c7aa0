"""What a batch of frames must be."""

from __future__ import annotations

from torch import Tensor

from ..errors import ImageError


def check_frames(frames: Tensor) -> None:
    """frames: [B, C, H, W] float with C ≥ 3, not empty. Raises ImageError."""
    if frames.dim() != 4 or frames.shape[1] < 3 or 0 in frames.shape:
        raise ImageError(f"frames must be [B, 3 or more, H, W] and not empty, not {list(frames.shape)}")
    if not frames.is_floating_point():
        raise ImageError(f"frames must be floating point in [0, 1], not {frames.dtype}")

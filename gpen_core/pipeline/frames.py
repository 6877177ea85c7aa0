"""What a batch of frames must be. Public functions of the pipeline check that once; what they call takes it for granted."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from ..errors import ImageError
from ..faces.alignment import check_same_picture
from ..geometry import same_shape, size_of
from ..types import Face


def check_frames(frames: Tensor) -> None:
    """frames: [B, C, H, W] float with C ≥ 3, not empty. Raises ImageError."""
    if frames.dim() != 4 or frames.shape[1] < 3 or 0 in frames.shape:
        raise ImageError(f"frames must be [B, 3 or more, H, W] and not empty, not {list(frames.shape)}")
    if not frames.is_floating_point():
        raise ImageError(f"frames must be floating point in [0, 1], not {frames.dtype}")


def check_background(frames: Tensor, background: Tensor) -> None:
    """An already upscaled copy must have as many frames, the same channels and the same shape. Raises ImageError."""
    check_frames(background)
    if len(background) != len(frames) or background.shape[1] != frames.shape[1]:
        raise ImageError(
            f"the background has {len(background)} frames of {background.shape[1]} channels, "
            f"the picture {len(frames)} of {frames.shape[1]}"
        )
    (height, width), (new_height, new_width) = size_of(frames), size_of(background)
    if not same_shape(size_of(frames), size_of(background)):
        raise ImageError(
            f"the background ({new_width}×{new_height}) has another shape than the picture ({width}×{height})"
        )


def check_faces_of(frames: Tensor, faces: Iterable[Face]) -> None:
    """Raise ImageError where a face belongs to a frame that is not there, or to a picture of another shape."""
    size = size_of(frames)
    for face in faces:
        if face.frame >= len(frames):
            raise ImageError(f"a face belongs to frame {face.frame}, but there are only {len(frames)} frames (from 0)")
        check_same_picture(face, size)

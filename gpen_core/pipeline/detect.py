"""Find the faces of every frame."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch import Tensor

from ..faces.appearance import appearance_of
from ..faces.detectors.base import FaceDetector
from ..imaging.numbers import in_unit_range, is_finite
from ..types import Face
from .frames import check_frames
from .hooks import Hooks, with_memory
from .workable import check_any_finite


def detect_faces(frames: Tensor, detector: FaceDetector, hooks: Hooks = Hooks()) -> tuple[Face, ...]:
    """Find the faces of a batch of frames.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1]. Channels after the third are not looked at.
        detector: Looks at one frame at a time.
        hooks: Told after each frame, as stage "detect".

    Returns:
        The faces of all frames, in the order of the frames, best first, with ids from 1.

    Raises:
        ImageError: ``frames`` is no such batch, or no frame of it is without NaN and infinity.
        RestorationError: There isn't enough memory for one frame.
    """
    check_frames(frames)
    return find_faces(frames, detector, hooks)


def find_faces(frames: Tensor, detector: FaceDetector, hooks: Hooks) -> tuple[Face, ...]:
    """``detect_faces`` for frames that have been checked."""
    faces: list[Face] = []
    bad = [index for index, frame in enumerate(frames) if not is_finite(frame)]
    check_any_finite(len(frames), bad, hooks.miss)
    for index, frame in enumerate(frames):
        if index in bad:
            hooks.progress("detect", index + 1, len(frames))
            continue
        what = f"looking for faces in a picture of {frame.shape[-1]}×{frame.shape[-2]} px"
        found = with_memory(partial(_look, detector, frame[:3]), hooks, what)
        for face in found:
            seen = appearance_of(frame, face)
            faces.append(replace(face, frame=index, id=len(faces) + 1, appearance=seen))
        hooks.progress("detect", index + 1, len(frames))
    return tuple(faces)


def _look(detector: FaceDetector, frame: Tensor) -> tuple[Face, ...]:
    """Whole numbers, as files have them, are given to detectors that know them, and to others as floating point."""
    stored = getattr(detector, "detect_stored", None)
    if frame.is_floating_point() or stored is None:
        return detector.detect(in_unit_range(frame))
    found: tuple[Face, ...] = stored(frame)
    return found

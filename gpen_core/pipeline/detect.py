"""Find the faces of every frame."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ..faces.detectors.base import FaceDetector
from ..types import Face
from .frames import check_frames
from .hooks import Hooks


def detect_faces(frames: Tensor, detector: FaceDetector, hooks: Hooks = Hooks()) -> tuple[Face, ...]:
    """frames: [B, 3 or more, H, W] RGB(…) in [0, 1] → the faces of all frames, in the order of the frames, best first."""
    check_frames(frames)
    faces: list[Face] = []
    for index, frame in enumerate(frames):
        faces += [replace(face, frame=index) for face in detector.detect(frame[:3].float())]
        hooks.progress("detect", index + 1, len(frames))
    return tuple(faces)

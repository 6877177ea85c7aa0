"""Protocols: a network that scans an image once, and a detector that decides which parts to scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ...errors import ImageError
from ...types import Face


@dataclass(frozen=True, eq=False)
class Detections:
    """Faces found in one pass, best first: float32, on the CPU.

    Coordinates are in pixels of the scanned image, with pixel centers at whole numbers.

    Attributes:
        boxes: [N, 4] as x0, y0, x1, y1; may extend beyond the image.
        scores: [N] in [0, 1].
        landmarks: [N, 5, 2] as (x, y): left eye, right eye, nose, left and right mouth corner. Left is the side that is left
            in the image once the face is upright.
    """

    boxes: Tensor
    scores: Tensor
    landmarks: Tensor

    def __len__(self) -> int:
        return len(self.scores)


def no_detections() -> Detections:
    """The result for an image without faces."""
    return Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, 5, 2))


class FaceNetwork(Protocol):
    """A network that scans one image at its own size.

    Attributes:
        name: Shown to the user.
        default_threshold: The minimum score of a face unless the user sets one.
    """

    name: str
    default_threshold: float

    @property
    def module(self) -> nn.Module:
        """All parameters and buffers; their device is where the network runs."""
        ...

    def find(self, image: Tensor, threshold: float, smallest: float = 0.0) -> Detections:
        """Scan an image.

        Args:
            image: [3, H, W] RGB in [0, 1], any size.
            threshold: Minimum score. ``MultiPassDetector`` asks for doubtful faces too, with less than the user's threshold.
            smallest: Faces narrower than this, in pixels, are not needed; the network may still return them.

        Returns:
            The faces, after non-maximum suppression.
        """
        ...


class FaceDetector(Protocol):
    """Detects the faces in a frame."""

    @property
    def name(self) -> str:
        """Shown to the user."""
        ...

    def detect(self, frame: Tensor) -> tuple[Face, ...]:
        """Detect faces.

        Args:
            frame: [3, H, W] RGB in [0, 1].

        Returns:
            The faces, best first, each with ``frame=0`` and the size of the frame.
        """
        ...


def check_frame(frame: Tensor) -> None:
    """Raise ImageError unless ``frame`` is a finite floating-point [3, H, W] tensor."""
    if not isinstance(frame, Tensor) or frame.ndim != 3 or frame.shape[0] != 3:
        shape = tuple(frame.shape) if isinstance(frame, Tensor) else type(frame).__name__
        raise ImageError(f"a frame must be a tensor [3, H, W] of RGB in [0, 1], not {shape}")
    if not frame.is_floating_point():
        raise ImageError(
            f"a frame must be floating-point RGB in [0, 1], not {frame.dtype}. Divide 8-bit values by 255."
        )
    # A sum is finite only if all of it is, and takes a tenth of the time of looking at each.
    if not bool(torch.isfinite(frame.sum())) and not bool(torch.isfinite(frame).all()):
        raise ImageError("the frame contains NaN or infinity. Check the step that produced it")

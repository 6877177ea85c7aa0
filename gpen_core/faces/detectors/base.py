"""What a detector is: a network that looks at a picture once, and the detector that decides where to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ...types import Face


@dataclass(frozen=True, eq=False)
class Detections:
    """Faces of one pass, best first. ``boxes`` [N, 4] x0 y0 x1 y1, ``scores`` [N] in [0, 1], ``landmarks`` [N, 5, 2]."""

    boxes: Tensor
    scores: Tensor
    landmarks: Tensor

    def __len__(self) -> int:
        return len(self.scores)


def no_detections() -> Detections:
    """What a network returns for a picture without faces."""
    return Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, 5, 2))


class FaceNetwork(Protocol):
    """One look at one picture, at the size it has. ``module`` holds every parameter and buffer, and says the device.

    ``default_threshold`` is the score that separates faces from the rest when the user names none.
    """

    name: str
    default_threshold: float

    @property
    def module(self) -> nn.Module: ...

    def find(self, image: Tensor, threshold: float, smallest: float = 0.0) -> Detections:
        """image: [3, H, W] RGB in [0, 1], of any size → faces scored at least ``threshold``, after NMS.

        Faces narrower than ``smallest`` pixels are not asked for: whether they are found is the network's to say.
        """
        ...


class FaceDetector(Protocol):
    """Finds the faces of one frame."""

    @property
    def name(self) -> str: ...

    def detect(self, frame: Tensor) -> tuple[Face, ...]:
        """frame: [3, H, W] RGB in [0, 1] → faces, best first, each with ``frame=0`` and the frame's size."""
        ...

"""One frame of a clip on its way through the stages."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...types import Face, RestoredFace


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame and what is known of it so far.

    Attributes:
        number: Of the frame, from 0.
        frame: [3 or more, H, W] RGB(…), as it came: uint8, uint16, or floating point in [0, 1].
        faces: Found in it, each with the number of its track.
        restored: Those that were worked on.
        begins_scene: Whether another scene begins here.
        usable: False for a frame that holds NaN or infinity: it stays as it is.
    """

    number: int
    frame: Tensor
    faces: tuple[Face, ...] = ()
    restored: tuple[RestoredFace, ...] = ()
    begins_scene: bool = False
    usable: bool = True

    def pixels(self) -> Tensor:
        """[3 or more, H, W] float32 in [0, 1]."""
        return as_float(self.frame)


def as_float(frame: Tensor) -> Tensor:
    """uint8, uint16 or floating point → float32 in [0, 1]."""
    if frame.is_floating_point():
        return frame.float()
    return frame.float().div_(255 if frame.dtype == torch.uint8 else 65535)

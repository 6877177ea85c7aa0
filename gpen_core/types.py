"""What passes between the rooms.

Conventions, everywhere in this package:

- A *frame* is ``[3, H, W]`` RGB float32 in [0, 1]; a batch of frames is ``[B, 3, H, W]``.
- Coordinates are ``(x, y)`` in pixels of the frame, with pixel *centres* at whole numbers, as OpenCV counts them:
  the frame spans ``[-0.5, W - 0.5]``. Resizing a frame by ``k`` maps ``x`` to ``(x + 0.5) * k - 0.5``.
- An affine matrix is ``[2, 3]`` float64 and is named by its direction: ``image_to_crop``.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # x0, y0, x1, y1
Landmarks = tuple[
    Point, Point, Point, Point, Point
]  # left eye, right eye, nose, left and right mouth corner; image left first


@dataclass(frozen=True)
class Face:
    """A face found in one frame. Knows nothing of the model that will restore it.

    ``image_size`` is ``(height, width)`` of the frame it was found in, so that it can be carried over to a resized one.
    """

    box: Box
    score: float
    landmarks: Landmarks
    image_size: tuple[int, int]
    frame: int = 0

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """A face cut out and aligned.

    ``pixels`` is ``[3, S, S]`` RGB in [0, 1], mirrored where the face leaves the frame; ``image_to_crop`` is ``[2, 3]``
    float64 and maps coordinates of the frame the face was found in to coordinates of the crop; ``template`` names the
    alignment template.
    """

    face: Face
    pixels: Tensor
    image_to_crop: Tensor
    template: str


@dataclass(frozen=True, eq=False)
class RestoredFace:
    """A crop and what a model made of it. ``pixels`` is ``[3, S', S']`` RGB in [0, 1]; ``task`` is what the model does."""

    crop: FaceCrop
    pixels: Tensor
    task: str = "restoration"

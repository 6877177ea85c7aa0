"""What passes between the rooms.

Conventions, everywhere in this package:

- A *frame* is ``[3, H, W]`` RGB float32 in [0, 1]; a batch of frames is ``[B, 3, H, W]``.
- Coordinates are ``(x, y)`` in pixels of the frame, with pixel *centers* at whole numbers, as OpenCV counts them:
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

    Attributes:
        box: x0, y0, x1, y1 in pixels of the frame; may reach beyond it where the face does.
        score: The detector's confidence, in [0, 1].
        landmarks: Five points (x, y) in pixels of the frame: left eye, right eye, nose, left and right mouth corner.
        image_size: (height, width) of the frame it was found in, so that it can be carried over to a resized one.
        frame: Index of that frame in its batch.
        id: Which face this is: counted from 1 over all frames of a run, and kept through selecting, restoring and blending.
            0 where nobody counts, such as straight from a detector.
    """

    box: Box
    score: float
    landmarks: Landmarks
    image_size: tuple[int, int]
    frame: int = 0
    id: int = 0

    @property
    def width(self) -> float:
        """Of the box, in pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """Of the box, in pixels."""
        return self.box[3] - self.box[1]


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """A face cut out and aligned.

    Attributes:
        face: The face that is shown.
        pixels: [3, S, S] RGB in [0, 1], mirrored where the face leaves the frame.
        image_to_crop: [2, 3] float64, from coordinates of the frame the face was found in to those of the crop.
        template: Name of the alignment template (see ``geometry.TEMPLATES``).
    """

    face: Face
    pixels: Tensor
    image_to_crop: Tensor
    template: str


@dataclass(frozen=True, eq=False)
class RestoredFace:
    """A crop and what a model made of it.

    Attributes:
        crop: What the model saw.
        pixels: [3, S', S'] RGB in [0, 1], what it made of that.
        task: What the model does (see ``tasks.TASKS``).
    """

    crop: FaceCrop
    pixels: Tensor
    task: str = "restoration"

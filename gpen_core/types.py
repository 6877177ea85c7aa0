"""What passes between the rooms.

Conventions, everywhere in this package:

- A *frame* is ``[3, H, W]`` RGB float32 in [0, 1]; a batch of frames is ``[B, 3, H, W]``.
- Coordinates are ``(x, y)`` in pixels of the frame, with pixel *centers* at whole numbers, as OpenCV counts them:
  the frame spans ``[-0.5, W - 0.5]``. Resizing a frame by ``k`` maps ``x`` to ``(x + 0.5) * k - 0.5``.
- An affine matrix is ``[2, 3]`` float64 and is named by its direction: ``image_to_crop``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

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
        quality: 0 = ruined, 1 = needs nothing, at the size of the model that looked at it; None where nobody looked.
        track: Which face of a clip this is: the same number in every frame, counted from 1; 0 where nobody followed it.
        appearance: What its box showed when it was found (see ``faces.appearance``), so that another picture is noticed;
            empty where nobody remembered.
    """

    box: Box
    score: float
    landmarks: Landmarks
    image_size: tuple[int, int]
    frame: int = 0
    id: int = 0
    quality: float | None = None
    track: int = 0
    appearance: bytes = field(default=b"", repr=False, compare=False)

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
        template: Name of the alignment template (see ``geometry.TEMPLATES``), or "picture" for a whole picture.
        fill: [1, H, W] in [0, 1], of the frame's size: what is to be filled. None where the task is another (see ``tasks``).
    """

    face: Face
    pixels: Tensor
    image_to_crop: Tensor
    template: str
    fill: Tensor | None = None


@dataclass(frozen=True)
class FaceFacts:
    """What is known of a restored face, for whoever shows or writes it.

    Attributes:
        size: Shorter side of the face's box, in pixels of the frame.
        quality: As ``Face.quality``.
        strength: Share of the restoration that is taken, in [0, 1]. What a whole run tells has the strength asked for in it;
            ``RestoredFace.facts`` has not.
        similarity: Of the original and the restored face at that strength: the cosine of a recognition network's vectors, in
            [-1, 1]; None without such a network.
        kept_back: Share of the face's mask in which the original was kept (see ``RestoredFace.weight``), in [0, 1].
        model: Name of the model, empty where nobody said it.
        model_size: Side of what it makes, in pixels.
        notes: What a user should know, each a short sentence: "Strength lowered to 0.4: the face looked less like itself."
    """

    size: float = 0.0
    quality: float | None = None
    strength: float = 1.0
    similarity: float | None = None
    kept_back: float = 0.0
    model: str = ""
    model_size: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RestoredFace:
    """A crop, what a model made of it, and how much of that is taken.

    Blending takes, at each pixel, the share mask × ``weight`` × ``strength`` × the strength asked for. With the last four
    fields as they are by default, all is taken, as if nobody had protected anything.

    Attributes:
        crop: What the model saw.
        pixels: [3, S', S'] RGB in [0, 1], what it made of that.
        task: What the model does (see ``tasks.TASKS``).
        weight: [1, S', S'] in [0, 1], the share of the restoration that may be taken at each pixel; None: all of it.
        strength: The share that may be taken of this face as a whole, in [0, 1].
        detail: [1, S', S'] in [0, 1], how much of the picture's own detail, finer than ``pixels`` can show at the face's size
            in the picture, is put back on what is taken; None: nothing.
        facts: What is known of it.
    """

    crop: FaceCrop
    pixels: Tensor
    task: str = "restoration"
    weight: Tensor | None = None
    strength: float = 1.0
    detail: Tensor | None = None
    facts: FaceFacts = FaceFacts()

    def noted(self, note: str = "", **facts: Any) -> RestoredFace:
        """The same face with other facts, and one more note where there is one."""
        notes = (*self.facts.notes, note) if note else self.facts.notes
        return replace(self, facts=replace(self.facts, notes=notes, **facts))

    def weighted(self, weight: Tensor) -> RestoredFace:
        """The same face, of which at each pixel no more than this share, [1, S', S'] in [0, 1], of what was taken is taken."""
        return replace(self, weight=weight if self.weight is None else self.weight * weight)

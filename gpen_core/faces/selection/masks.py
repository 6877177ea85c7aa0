"""Choose faces by a mask that was painted or made by another program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ...errors import ImageError, OptionError, check_numbers, check_texts
from ...geometry import same_shape, size_of
from ...types import Face
from .orders import MASK_MODES


@dataclass(frozen=True)
class MaskRule:
    """Where a face must lie.

    Attributes:
        mode: "inside": faces in the mask are kept; "outside": those out of it.
        overlap: Which share of the face's box must lie inside, or outside, in (0, 1].

    Raises:
        OptionError: A value is out of range.
    """

    mode: str = "inside"
    overlap: float = 0.5

    def __post_init__(self) -> None:
        check_numbers(self, "overlap")
        check_texts(self, "mode")
        if self.mode not in MASK_MODES:
            raise OptionError(f"unknown mask mode '{self.mode}'. Known: {', '.join(MASK_MODES)}.")
        if not 0 < self.overlap <= 1:
            raise OptionError(f"mask overlap must be above 0 and at most 1, not {self.overlap}")

    def keeps(self, share: float) -> bool:
        """Whether a face is kept, of whose box this share lies in the mask."""
        return (share if self.mode == "inside" else 1 - share) >= self.overlap - 1e-6


def mask_shares(faces: Sequence[Face], mask: Tensor) -> list[float]:
    """Which share of each face's box is in the mask.

    Args:
        faces: From any number of frames.
        mask: [B or 1, 1, h, w] in [0, 1], of any size but the frames' shape; a single one is for all frames.

    Returns:
        A number in [0, 1] for each face; parts of a box beyond the frame don't count.

    Raises:
        ImageError: The mask has another shape than the frames, or too few frames.
    """
    return [_share(face, mask) for face in faces]


def _share(face: Face, mask: Tensor) -> float:
    (height, width), (rows, columns) = face.image_size, size_of(mask)
    if not same_shape(face.image_size, (rows, columns)):
        raise ImageError(
            f"the mask is {columns}×{rows}, but the image is {width}×{height}: the aspect ratios must match"
        )
    if len(mask) != 1 and face.frame >= len(mask):
        raise ImageError(
            f"the mask has {len(mask)} images, but a face is in image {face.frame + 1}: connect as many masks"
        )
    x0, x1 = _span(face.box[0], face.box[2], width, columns)
    y0, y1 = _span(face.box[1], face.box[3], height, rows)
    part = mask[0 if len(mask) == 1 else face.frame, 0, y0:y1, x0:x1]
    return float(part.float().clamp(0, 1).mean())


def _span(start: float, end: float, length: int, pixels: int) -> tuple[int, int]:
    """A side of a box, in pixels of the frame → the mask's pixels that it covers, one at least."""
    first, last = ((place + 0.5) * pixels / length for place in (start, end))
    low = min(max(round(first), 0), pixels - 1)
    return low, max(low + 1, min(round(last), pixels))

"""Detection settings, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import OptionError, check_numbers

SMALLEST_SEEN = 20.0  # width in view pixels from which both networks find faces reliably (measured on the test photos)
# Of the root of the area: a 24-megapixel photograph is searched for faces of 38 px, in a quarter of the time.
AUTOMATIC_SHARE = 130
LEAST_MIN_FACE = 4  # pixels; nothing smaller tells eyes from a mouth


@dataclass(frozen=True)
class DetectOptions:
    """Detection settings.

    Attributes:
        threshold: Minimum score of a face, in (0, 1); None = the network's default.
        min_face: Width of the smallest face to report, in pixels of the frame. Small values enlarge the frame, large ones
            save time. None = 20, or a 130th of the root of the area in frames over 7 megapixels.
        max_side: Long side of the frame in the first pass, in pixels.
        small_faces: Search again at full resolution, in tiles, if the first pass shrank the frame.
        tile_side: Side of these tiles, in pixels.
        try_rotations: Also search the frame rotated by 90, 180 and 270 degrees, unless a face is clearly upright.
        nms_iou: Boxes that overlap a better one by more than this (intersection over union) are dropped.

    Raises:
        OptionError: A value is out of range.
    """

    threshold: float | None = None
    min_face: float | None = None
    max_side: int = 640
    small_faces: bool = True
    tile_side: int = 1280
    try_rotations: bool = True
    nms_iou: float = 0.4

    def __post_init__(self) -> None:
        check_numbers(self, "threshold", "min_face", "max_side", "tile_side", "nms_iou")
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise OptionError(f"threshold is {self.threshold}; it must be between 0 and 1, e.g. 0.85")
        if self.min_face is not None and not LEAST_MIN_FACE <= self.min_face < math.inf:
            raise OptionError(f"min_face is {self.min_face}; it must be at least {LEAST_MIN_FACE} pixels")
        if self.max_side < 128:
            raise OptionError(f"max_side is {self.max_side}; it must be at least 128 pixels, e.g. 640")
        if self.tile_side < 256:
            raise OptionError(f"tile_side is {self.tile_side}; it must be at least 256 pixels, e.g. 1280")
        if not 0 < self.nms_iou < 1:
            raise OptionError(f"nms_iou is {self.nms_iou}; it must be between 0 and 1, e.g. 0.4")


@dataclass(frozen=True)
class Levels:
    """Score thresholds of the passes.

    A rotated face needs a higher score, because rotated copies triple the chance of a false positive and rarely contain
    a face. Only an almost certain face skips the rotated passes, because upside-down faces are detected as upright, with
    eyes and mouth swapped, at scores up to 0.99, and patterns of a dress as faces at 0.996 (measured on the test photos,
    rotated).
    """

    candidate: float  # worth a second look
    accept: float  # enough after a second look
    sure: float  # enough at first sight
    rotated: float  # enough on average over all close-ups of a rotated face
    certain: float  # the picture is upright, if closer looks bear it out
    beyond: float  # no look is needed for that

    @classmethod
    def of(cls, threshold: float) -> Levels:
        """The thresholds that follow from the minimum score of a face."""
        doubt = 1 - threshold
        return cls(0.75 * threshold, threshold, 1 - doubt / 2, 1 - doubt / 4, 1 - doubt / 32, 1 - doubt / 128)


def smallest_face(options: DetectOptions, frame_size: tuple[int, int]) -> float:
    """The smallest face to report in a frame of (height, width), in pixels: as set, or automatic."""
    automatic = max(SMALLEST_SEEN, math.sqrt(frame_size[0] * frame_size[1]) / AUTOMATIC_SHARE)
    return automatic if options.min_face is None else options.min_face

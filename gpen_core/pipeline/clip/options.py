"""Settings of clips."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import OptionError, check_kind, check_numbers
from ...faces.track_options import TrackOptions

DETECT_EVERY = 8  # frames: a third of a second


@dataclass(frozen=True)
class VideoOptions:
    """How faces are held steady in time. Raises OptionError for values outside their range.

    Attributes:
        look_ahead: Frames after each one that smooth its landmarks, and as long as it comes later; before it, up to 48 are
            averaged, the farther the less. 0 takes landmarks as they are found.
        steadiness: How long the change that the model makes is held where the picture has not changed: 0 not at all, 1 over
            ``reach`` frames to each side.
        reach: See ``steadiness``.
        detect_every: Whole frames are searched for faces at every n-th, and faces followed between. 0: automatic, that is 8,
            or 1 with a detector that cannot follow.
        track: When two faces of successive frames are one.
    """

    look_ahead: int = 12
    steadiness: float = 1.0
    reach: int = 6
    detect_every: int = 0
    track: TrackOptions = TrackOptions()

    def __post_init__(self) -> None:
        check_numbers(self, "steadiness", "detect_every", "look_ahead", "reach")
        check_kind(self, "track", TrackOptions)
        if not 0 <= self.look_ahead <= 60 or not 0 <= self.reach <= 60:
            raise OptionError(
                f"look_ahead and reach must be from 0 to 60 frames, not {self.look_ahead} and {self.reach}"
            )
        if not 0 <= self.steadiness <= 1:
            raise OptionError(f"steadiness must be from 0 to 1, not {self.steadiness}")
        if not 0 <= self.detect_every <= 250:
            raise OptionError(f"detect_every must be from 0 (automatic) to 250 frames, not {self.detect_every}")

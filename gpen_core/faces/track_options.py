"""When two faces of successive frames are one: apart from who decides it, since widgets show these values."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError, check_numbers


@dataclass(frozen=True)
class TrackOptions:
    """When two faces of successive frames are one. Raises OptionError for values outside their range.

    Attributes:
        patience: Frames for which a face may be missing before its track ends.
        reach: How far the landmarks may be from where they are expected, as a share of the face's size; it grows by a
            quarter of itself with each frame in which the face was missing, to three times.
        growth: How many times larger or smaller a face may be from one frame to the next.
        looks: What a difference in looks counts, against one in place.
    """

    patience: int = 12
    reach: float = 0.6
    growth: float = 1.6
    looks: float = 1.0

    def __post_init__(self) -> None:
        check_numbers(self, "patience", "reach", "growth", "looks")
        if self.patience < 0 or self.reach <= 0 or self.growth <= 1 or self.looks < 0:
            raise OptionError(f"tracks need patience ≥ 0, reach > 0, growth > 1 and looks ≥ 0, not {self}")

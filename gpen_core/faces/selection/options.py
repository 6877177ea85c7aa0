"""Which faces to keep: the rules, checked when they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from ...errors import OptionError, check_numbers, check_texts, one_line
from ...types import Point
from .indices import parse_indices
from .orders import CENTER, ORDERS


@dataclass(frozen=True)
class SelectOptions:
    """Which faces to keep, and their order. All rules must hold.

    Attributes:
        order: A key of ``ORDERS``: how the faces of a frame are counted.
        limit: Maximum number of faces per frame, in that order; 0 = no limit.
        min_size: Minimum length of the box's shorter side, in pixels of the frame.
        max_size: Maximum length of that side, in pixels of the frame; 0 = no limit.
        min_share: Minimum area of the box, in percent of the frame's.
        max_share: Maximum area of the box, in percent of the frame's; 0 = no limit.
        min_score: Minimum detection confidence, in [0, 1].
        min_quality: Minimum quality, in [0, 1]; above 0, faces whose quality is not known are left out.
        max_quality: Maximum quality, in [0, 1]: better faces are left out, those of unknown quality are kept.
        indices: Numbers of the faces to keep in each frame, such as "0, 2-4, -1"; "" = all. They count all faces of the
            frame, in ``order``, from 0: no limit changes a face's number.
        point: For the order "nearest_to_point": (x, y) in shares of the frame's width and height.

    Raises:
        OptionError: A value is out of range.
    """

    order: str = "largest"
    limit: int = 0
    min_size: float = 0.0
    max_size: float = 0.0
    min_share: float = 0.0
    max_share: float = 0.0
    min_score: float = 0.0
    min_quality: float = 0.0
    max_quality: float = 1.0
    indices: str = ""
    point: Point = CENTER

    @property
    def asks_quality(self) -> bool:
        """Whether faces are chosen by their quality, which then has to be known."""
        return self.min_quality > 0 or self.max_quality < 1

    def __post_init__(self) -> None:
        check_numbers(
            self, "limit", "min_size", "max_size", "min_share", "max_share", "min_score", "min_quality", "max_quality"
        )
        check_texts(self, "order", "indices")
        if self.order not in ORDERS:
            raise OptionError(f"unknown order '{self.order}'. Known: {', '.join(ORDERS)}.")
        if not self.limit >= 0:
            raise OptionError(f"the maximum number of faces must be at least 0 (no limit), not {self.limit}")
        _check_limits("size", self.min_size, self.max_size, math.inf)
        _check_limits("share", self.min_share, self.max_share, math.inf)
        for name in ("min_score", "min_quality", "max_quality"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} must be from 0 to 1, not {getattr(self, name)}")
        if not isinstance(self.point, list | tuple) or len(self.point) != 2 or not all(map(_is_share, self.point)):
            given = one_line(_said(self.point), 40)
            raise OptionError(f"the point must be shares of width and height from 0 to 1, such as 0.3,0.5, not {given}")
        parse_indices(self.indices)


def _is_share(value: object) -> bool:
    return isinstance(value, Real) and 0 <= float(value) <= 1


def _said(point: object) -> str:
    """As it is typed, where it is two numbers."""
    if isinstance(point, list | tuple) and all(isinstance(value, Real) for value in point):
        return ",".join(f"{float(value):g}" for value in point)
    return str(point)


def _check_limits(name: str, least: float, most: float, highest: float) -> None:
    if not (0 <= least < highest and 0 <= most < highest):
        raise OptionError(f"min_{name} and max_{name} must be at least 0, not {least} and {most}")
    if most and most < least:
        raise OptionError(f"max_{name} ({most:g}) is less than min_{name} ({least:g}): no face could be both")

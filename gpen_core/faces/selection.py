"""Select and sort detected faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType

from ..errors import OptionError
from ..types import Face

ORDERS: MappingProxyType[str, Callable[[Face], float]] = MappingProxyType(
    {
        "left_to_right": lambda face: face.box[0],
        "largest": lambda face: -face.width * face.height,
        "most_confident": lambda face: -face.score,
    }
)


@dataclass(frozen=True)
class SelectOptions:
    """Which faces to keep, and their order.

    Attributes:
        order: "largest", "left_to_right" or "most_confident".
        limit: Maximum number of faces per frame, in that order; 0 = no limit.
        min_size: Minimum length of the box's shorter side, in pixels of the frame.

    Raises:
        OptionError: A value is out of range.
    """

    order: str = "largest"
    limit: int = 0
    min_size: float = 0.0

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise OptionError(f"unknown order '{self.order}'. Known: {', '.join(ORDERS)}.")
        if self.limit < 0 or self.min_size < 0:
            raise OptionError("limit and min_size must be at least 0")


def select_faces(faces: Iterable[Face], options: SelectOptions) -> tuple[Face, ...]:
    """Filter, sort and limit faces.

    Args:
        faces: Detected faces, from any number of frames.
        options: What to keep.

    Returns:
        The selected faces, frame by frame, in the requested order within each frame.
    """
    large = (face for face in faces if min(face.width, face.height) >= options.min_size)
    ordered = sorted(large, key=lambda face: (face.frame, ORDERS[options.order](face)))
    counts: dict[int, int] = {}
    chosen = []
    for face in ordered:
        counts[face.frame] = counts.get(face.frame, 0) + 1
        if not options.limit or counts[face.frame] <= options.limit:
            chosen.append(face)
    return tuple(chosen)

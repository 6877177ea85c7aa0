"""Which of the faces found are worked on, and in which order."""

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
        "most_certain": lambda face: -face.score,
    }
)


@dataclass(frozen=True)
class SelectOptions:
    """``limit``: at most so many faces a frame, the first of their order; 0 keeps all. ``min_size``: shorter side of a
    face's box, in pixels of the frame."""

    order: str = "largest"
    limit: int = 0
    min_size: float = 0.0

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise OptionError(f"unknown order '{self.order}'. Known: {', '.join(ORDERS)}.")
        if self.limit < 0 or self.min_size < 0:
            raise OptionError("limit and min_size must be at least 0")


def select_faces(faces: Iterable[Face], options: SelectOptions) -> tuple[Face, ...]:
    """The faces to work on: frame by frame, each frame's in the order asked for."""
    large = (face for face in faces if min(face.width, face.height) >= options.min_size)
    ordered = sorted(large, key=lambda face: (face.frame, ORDERS[options.order](face)))
    counts: dict[int, int] = {}
    chosen = []
    for face in ordered:
        counts[face.frame] = counts.get(face.frame, 0) + 1
        if not options.limit or counts[face.frame] <= options.limit:
            chosen.append(face)
    return tuple(chosen)

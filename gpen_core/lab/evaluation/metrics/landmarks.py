"""Landmark distance: whether eyes, nose and mouth are where they were."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .base import Figures, MetricInfo
from .finder import FaceFinder

INFO = MetricInfo(
    "landmarks",
    "Landmark distance",
    False,
    "mean distance of five points (eyes, nose, corners of the mouth) from the original's, both found by MTCNN, "
    "in percent of the original's distance between the eyes; faces that MTCNN does not find are left out and counted",
    "%",
    2,
    slow=True,
)


@dataclass(frozen=True, eq=False)
class LandmarkDistance:
    """None for a picture in which, or in whose original, no face is found."""

    finder: FaceFinder
    info: MetricInfo = INFO

    def prepare(self, targets: Tensor) -> list[Tensor | None]:
        return self.finder.points(targets)

    def measure(self, pictures: Tensor, reference: list[Tensor | None]) -> Figures:
        return [
            None if found is None or wanted is None else landmark_distance(found, wanted)
            for found, wanted in zip(self.finder.points(pictures), reference, strict=True)
        ]


def landmark_distance(points: Tensor, wanted: Tensor) -> float:
    """Landmarks [5, 2], the eyes first → mean distance in percent of ``wanted``'s distance between the eyes."""
    eyes = (wanted[0] - wanted[1]).norm()
    return float((points - wanted).norm(dim=1).mean() / eyes * 100)

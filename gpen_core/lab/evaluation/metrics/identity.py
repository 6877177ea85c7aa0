"""Identity distance: whether a recognition network takes the face for the same person's.

Faces are cut out by the *original's* landmarks, for all pictures of a sample alike: what is compared is the face, not how
well it was found in a degraded picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ....faces.identity import Embedder
from ....geometry import fit_similarity
from ....imaging.warp import warp
from .base import Figures, MetricInfo
from .finder import FaceFinder


@dataclass(frozen=True, eq=False)
class _Known:
    """The originals' faces: which pictures have one, how it is cut out, and its vector."""

    rows: tuple[int, ...]
    transforms: tuple[Tensor, ...]
    vectors: Tensor


class IdentityDistance:
    """None for a picture in whose original no face is found."""

    def __init__(self, embedder: Embedder, finder: FaceFinder) -> None:
        self.embedder, self.finder = embedder, finder
        self.info = MetricInfo("identity", "Identity distance", False, embedder.convention, slow=True)

    def prepare(self, targets: Tensor) -> _Known:
        points = self.finder.points(targets)
        rows = tuple(row for row, found in enumerate(points) if found is not None)
        aim = torch.tensor(self.embedder.points)
        transforms = tuple(fit_similarity(found, aim) for found in points if found is not None)
        return _Known(rows, transforms, self._vectors(targets, rows, transforms))

    def measure(self, pictures: Tensor, reference: _Known) -> Figures:
        figures: Figures = [None] * len(pictures)
        vectors = self._vectors(pictures, reference.rows, reference.transforms)
        for row, distance in zip(reference.rows, self.embedder.distances(vectors, reference.vectors).tolist()):
            figures[row] = distance
        return figures

    def _vectors(self, pictures: Tensor, rows: Sequence[int], transforms: Sequence[Tensor]) -> Tensor:
        size = (self.embedder.side, self.embedder.side)
        faces = [warp(pictures[row], transform, size) for row, transform in zip(rows, transforms)]
        return self.embedder.embed(torch.stack(faces)) if faces else torch.zeros(0, 1, dtype=torch.float64)

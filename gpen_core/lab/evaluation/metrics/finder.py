"""Five points of an aligned face, for the metrics that need them."""

from __future__ import annotations

import torch
from torch import Tensor

from ....faces.detectors import FaceNetwork, load_mtcnn

SMALLEST_FACE = 0.15  # of the picture's side: the face of an aligned crop takes more than half


class FaceFinder:
    """Looks once at each picture. Remembers the last batch, since two metrics ask for the points of the same originals."""

    def __init__(self, network: FaceNetwork) -> None:
        self.network = network
        self._last: tuple[Tensor, list[Tensor | None]] | None = None

    def points(self, pictures: Tensor) -> list[Tensor | None]:
        """pictures: [N, 3, S, S] RGB in [0, 1] → of each, the landmarks [5, 2] (x, y) of its largest face, or None."""
        if self._last is None or self._last[0] is not pictures:
            self._last = pictures, [self._look(picture) for picture in pictures]
        return self._last[1]

    @torch.no_grad()
    def _look(self, picture: Tensor) -> Tensor | None:
        found = self.network.find(picture, self.network.default_threshold)
        if not len(found):
            return None
        width, height = (found.boxes[:, 2:] - found.boxes[:, :2]).unbind(1)
        return found.landmarks[(width * height).argmax()].double()


def mtcnn_finder(size: int) -> FaceFinder:
    """For pictures of ``size`` px, with the built-in detector. Raises MissingWeightsError where its package is not."""
    return FaceFinder(load_mtcnn(min_face=SMALLEST_FACE * size))

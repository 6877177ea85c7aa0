"""From faces to samples: what a network sees, and what it should make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import ImageError
from ...geometry import size_of
from ...imaging.lanczos import resize_lanczos
from ...imaging.warp import resize_filtered
from ..degradation import Degradation, degrade
from .faces import Faces, NamedFace
from .severity import DegradationOf, random_of


@dataclass(frozen=True)
class Sizes:
    """Sides in pixels of what a model takes and of what it makes."""

    input: int
    output: int


@dataclass(frozen=True, eq=False)
class Sample:
    """``low`` [3, S, S] is what the network sees, ``small`` [3, s, s] the same before it was enlarged, ``target``
    [3, S', S'] the original; RGB in [0, 1]. ``degradation`` is None for a picture that was degraded elsewhere."""

    name: str
    low: Tensor
    small: Tensor
    target: Tensor
    degradation: Degradation | None = None


@dataclass(frozen=True, eq=False)
class DegradedFaces:
    """Samples made of clean faces, the same ones each time they are gone through."""

    faces: Faces
    sizes: Sizes
    degradation_of: DegradationOf
    seed: int

    def __iter__(self) -> Iterator[Sample]:
        return (self._sample(face) for face in self.faces)

    def _sample(self, face: NamedFace) -> Sample:
        random = random_of(self.seed, face.name)
        degradation = self.degradation_of(random)
        clean = fitted(face.pixels, self.sizes.input)
        degraded = degrade(_to_array(clean), degradation, random)
        target = degraded.target
        if self.sizes.output != self.sizes.input:  # the large original loses its colors where the small one does
            only_gray = Degradation(gray=degradation.gray, gray_target=degradation.gray_target, flip=degradation.flip)
            target = degrade(_to_array(fitted(face.pixels, self.sizes.output)), only_gray, random).target
        return Sample(face.name, _to_tensor(degraded.low), _to_tensor(degraded.small), _to_tensor(target), degradation)


def fitted(pixels: Tensor, size: int) -> Tensor:
    """[3, H, H] → [3, size, size], Lanczos, prefiltered where it shrinks. Raises ImageError for another shape."""
    if pixels.dim() != 3 or pixels.shape[0] != 3 or pixels.shape[1] != pixels.shape[2]:
        raise ImageError(f"a face to evaluate with is [3, S, S], not {list(pixels.shape)}")
    return resize_lanczos(pixels.float(), (size, size))


def enlarged(pictures: Tensor, size: int) -> Tensor:
    """[N, 3, S, S] → [N, 3, size, size], bilinear as the degradation's own last step."""
    return pictures if size_of(pictures) == (size, size) else resize_filtered(pictures, (size, size), "bilinear")


def _to_array(pixels: Tensor) -> np.ndarray:
    return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy())


def _to_tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))

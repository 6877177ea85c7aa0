"""Who it is: the likeness of a restored face to the original, and a floor for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...faces.identity import Embedder
from ...geometry import apply_affine, compose, fit_similarity, resize_affine
from ...imaging.masks import ellipse_mask
from ...imaging.warp import resize_filtered, warp
from ...types import RestoredFace

LOWERED = "Strength lowered"
NO_NETWORK = "No recognition network is installed: whether the face still looks like itself was not measured."
_HALVINGS = 5  # of the interval in which the strength is looked for: to a thirtieth
_SOFTNESS = 0.35


@dataclass(frozen=True)
class KeepIdentity:
    """Compares the face as it would be blended with the original; with a ``floor``, lowers the strength until that holds.

    ``asked`` is the strength of the run, by which that of each face is multiplied at last.
    """

    embedder: Embedder
    floor: float = 0.0
    asked: float = 1.0

    def protect(self, face: RestoredFace, frame: Tensor) -> RestoredFace:
        """As ``Protection``."""
        likeness = _Likeness(face, self.embedder)
        (similarity,) = likeness.at([face.strength * self.asked])
        if similarity >= self.floor:
            return face.noted(similarity=similarity)
        low, high, held = 0.0, face.strength, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            (found,) = likeness.at([middle * self.asked])
            low, high, held = (middle, high, found) if found >= self.floor else (low, middle, held)
        before, after = face.strength * self.asked, low * self.asked
        note = (
            f"{LOWERED} from {before:.2f} to {after:.2f}: the similarity was {similarity:.2f}, and at least "
            f"{self.floor:.2f} is wanted."
        )
        return replace(face, strength=low).noted(note, strength=low, similarity=held)


@dataclass(frozen=True)
class SayUnmeasured:
    """Where no network is installed but likeness was asked for."""

    def protect(self, face: RestoredFace, frame: Tensor) -> RestoredFace:
        """As ``Protection``."""
        return face.noted(NO_NETWORK)


class _Likeness:
    """Of one face, at any strength."""

    def __init__(self, face: RestoredFace, embedder: Embedder) -> None:
        self.embedder, size = embedder, face.pixels.shape[-1]
        seen = face.crop.pixels.shape[-1]
        self.before = _at(face.crop.pixels.float(), size)
        mask = ellipse_mask(size, face.crop.template, _SOFTNESS).to(self.before)
        weight = mask if face.weight is None else mask * face.weight.to(mask)
        self.change = (face.pixels.float() - self.before) * weight
        to_face = compose(face.crop.image_to_crop, resize_affine((seen, seen), (size, size)))
        landmarks = apply_affine(to_face, torch.tensor(face.crop.face.landmarks, dtype=torch.float64))
        self.to_chip = fit_similarity(landmarks, torch.tensor(embedder.points))
        self.original = self._vectors([self.before])

    def at(self, strengths: Sequence[float]) -> list[float]:
        vectors = self._vectors([self.before + strength * self.change for strength in strengths])
        found: list[float] = self.embedder.similarities(vectors, self.original.expand_as(vectors)).tolist()
        return found

    def _vectors(self, faces: Sequence[Tensor]) -> Tensor:
        size = (self.embedder.side, self.embedder.side)
        return self.embedder.embed(torch.stack([warp(face, self.to_chip, size) for face in faces]).cpu())


def _at(crop: Tensor, size: int) -> Tensor:
    return crop if crop.shape[-1] == size else resize_filtered(crop[None], (size, size), "bicubic")[0].clamp(0, 1)

"""Choose faces by a reference picture: those of the same person, as a recognition network sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...errors import ImageError, OptionError
from ...geometry import compose, fit_similarity, resize_affine, size_of
from ...imaging.warp import warp
from ...types import Face
from ..alignment import check_same_picture
from .orders import SAME_PERSON

if TYPE_CHECKING:
    from ..identity import Embedder


@dataclass(frozen=True, eq=False)
class Reference:
    """Whom to look for.

    Attributes:
        vectors: [N, D], one for each face that shows the person.
        embedder: The network that made them.
        least: The least similarity of a face that is taken for this person's, in [0, 1].

    Raises:
        OptionError: ``least`` is out of range.
    """

    vectors: Tensor
    embedder: Embedder
    least: float = SAME_PERSON

    def __post_init__(self) -> None:
        if not 0 <= self.least <= 1:
            raise OptionError(f"the similarity to the reference must be from 0 to 1, not {self.least}")

    def likeness(self, frames: Tensor, faces: Iterable[Face]) -> Likeness:
        """The rule for these faces; arguments as for ``similarities``."""
        return Likeness(self.similarities(frames, faces), self.least)

    def similarities(self, frames: Tensor, faces: Iterable[Face]) -> dict[Face, float]:
        """How similar each face is to the person.

        Args:
            frames: [B, 3 or more, H, W] RGB in [0, 1], in which the faces were found, or a resized copy.
            faces: Of any of these frames.

        Returns:
            For each face the greatest similarity to a face of the reference: 1 for the same picture, below ``SAME_PERSON``
            for another person.
        """
        found = tuple(faces)
        if not found:
            return {}
        vectors = face_vectors(frames, found, self.embedder)
        each = [self.embedder.similarities(vectors, own.expand_as(vectors)) for own in self.vectors]
        return dict(zip(found, torch.stack(each).amax(0).tolist(), strict=True))


def reference_of(frames: Tensor, faces: Iterable[Face], embedder: Embedder, least: float = SAME_PERSON) -> Reference:
    """The person that reference pictures show: the largest face of each.

    Args:
        frames: [B, 3 or more, H, W] RGB in [0, 1].
        faces: All faces found in them.
        embedder: From ``find_embedder``.
        least: As ``Reference.least``.

    Raises:
        ImageError: No face was found in any of them.
        OptionError: ``least`` is out of range.
    """
    largest: dict[int, Face] = {}
    for face in faces:
        best = largest.get(face.frame)
        if best is None or face.width * face.height > best.width * best.height:
            largest[face.frame] = face
    if not largest:
        raise ImageError("no face was found in the reference image: use a picture that shows the person's face plainly")
    return Reference(face_vectors(frames, tuple(largest.values()), embedder), embedder, least)


def face_vectors(frames: Tensor, faces: Iterable[Face], embedder: Embedder) -> Tensor:
    """What the network makes of faces: [N, D]."""
    crops = []
    for face in faces:
        frame = frames[face.frame, :3]
        check_same_picture(face, size_of(frame))
        to_crop = fit_similarity(torch.tensor(face.landmarks), torch.tensor(embedder.points))
        frame_to_crop = compose(resize_affine(size_of(frame), face.image_size), to_crop)
        crops.append(warp(frame, frame_to_crop, (embedder.side, embedder.side)).cpu())
    return embedder.embed(torch.stack(crops))


@dataclass(frozen=True)
class Likeness:
    """A rule: only faces of one person.

    Attributes:
        similarities: Of every face to that person.
        least: The least similarity of a face that is kept, in [0, 1].
    """

    similarities: Mapping[Face, float]
    least: float

    def missed(self, face: Face) -> str:
        """Why the face is another person's, or ""."""
        similarity = self.similarities[face]
        return "" if similarity >= self.least else f"similarity {similarity:.2f} to the reference, below {self.least:g}"

"""Judge how much faces need restoring before any is restored, so that they can be chosen by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from torch import Tensor

from ..faces.alignment import align_face
from ..faces.quality import QualityEstimator
from ..polling import current_poll
from ..threads import by_itself
from ..types import Face
from .frames import check_faces_of, check_frames

TYPICAL_SIZE = 512  # pixels: of a model, where it is not known yet which one


def rate_faces(
    frames: Tensor,
    faces: Iterable[Face],
    estimator: QualityEstimator,
    size: int = TYPICAL_SIZE,
    template: str = "gpen",
) -> tuple[Face, ...]:
    """Estimate the quality of faces that have none yet.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1], in which the faces were found, or a resized copy of those.
        faces: Of any of these frames.
        estimator: From ``load_quality``.
        size: Side of the crops that the model will see, in pixels: quality is that at this size.
        template: The model's alignment.

    Returns:
        The faces with their ``quality``, in the order given.

    Raises:
        ImageError: ``frames`` is no such batch, or a face was found in another one.
        OptionError: Unknown template.
    """
    check_frames(frames, stored=True)
    found = tuple(faces)
    check_faces_of(frames, found)
    return tuple(
        face if face.quality is not None else _rated(frames, face, estimator, size, template) for face in found
    )


def _rated(frames: Tensor, face: Face, estimator: QualityEstimator, size: int, template: str) -> Face:
    """One at a time: crops of a whole film would fill the memory."""
    current_poll()()
    crop = align_face(frames[face.frame], face, size, template)
    with by_itself():
        (quality,) = estimator.qualities(crop.pixels[None])
    return replace(face, quality=quality)

"""What stands between a restoration and the picture: small steps, each of which may take less of a face than the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ...faces.identity import Embedder
from ...faces.quality import QualityEstimator
from ...polling import current_poll
from ...tasks import TASKS
from ...types import RestoredFace


class Protection(Protocol):
    """One step. It sees the face as the steps before left it, and the frame that it was found in."""

    def protect(self, face: RestoredFace, frame: Tensor) -> RestoredFace:
        """Take less of a face, or complete what is known of it.

        Args:
            face: As ``restore_faces`` made it and the steps before left it.
            frame: [3 or more, H, W] RGB(…) in [0, 1].

        Returns:
            The face with less ``weight`` or ``strength``, with ``detail``, or with more ``facts``. ``pixels`` change only
            where what the model made is corrected itself.
        """
        ...


@dataclass(frozen=True)
class ProtectTools:
    """Networks that steps use, loaded once for many runs.

    Attributes:
        quality: Judges how much a face needs restoring; None loads the one that comes with the package.
        identity: Tells whose face it is; None: nobody knows.
    """

    quality: QualityEstimator | None = None
    identity: Embedder | None = None


def protect_faces(
    frames: Tensor, restored: Iterable[RestoredFace], protections: Sequence[Protection]
) -> Iterator[RestoredFace]:
    """Run every restored face through all steps.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1], in which the faces were found, or a resized copy of those.
        restored: As ``restore_faces`` gives them.
        protections: The steps, in their order; see ``protections_for``. Without any, faces pass as they are.

    Returns:
        The faces in the order given, one at a time. Those of models that change more than a face's quality (color, missing
        parts) pass as they are: what they change is meant.
    """
    for face in restored:
        yield protect_face(face, frames[face.crop.face.frame], protections)


def protect_face(face: RestoredFace, frame: Tensor, protections: Sequence[Protection]) -> RestoredFace:
    """One face of ``protect_faces``, and its frame [3 or more, H, W]."""
    task = TASKS.get(face.task)
    steps, poll = protections if task is None or task.keeps_colors else (), current_poll()
    for step in steps:
        poll()
        face = step.protect(face, frame)
    return face

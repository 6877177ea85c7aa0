"""What the model invented is not taken: where content was changed, the original stays."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...imaging.agreement import AgreementLimits, agreement
from ...imaging.masks import ellipse_mask
from ...tasks import TASKS
from ...threads import by_itself
from ...types import RestoredFace

_SOFTNESS = 0.35  # of the oval by which the share kept back is counted
_WORTH_SAYING = 0.005  # of the face


@dataclass(frozen=True)
class KeepContent:
    """A step (see ``Protection``) for models whose output shows what their input shows; others pass as they are.

    Attributes:
        limits: When a difference is one of content.
    """

    limits: AgreementLimits = AgreementLimits()

    def protect(self, face: RestoredFace, frame: Tensor) -> RestoredFace:
        """Take nothing where the restored face shows something else than the original."""
        task = TASKS.get(face.task)
        if task is None or not task.keeps_colors or face.strength == 0:
            return face
        with by_itself():
            weight = agreement(face.pixels, face.crop.pixels, self.limits)
        if bool((weight == 1).all()):
            return face
        kept = _share_kept(weight, face.crop.template)
        note = (
            f"Kept the original in {kept:.0%} of the face, where something is in front of it."
            if kept >= _WORTH_SAYING
            else ""
        )
        return face.weighted(weight).noted(note, kept_back=max(face.facts.kept_back, kept))


def _share_kept(weight: Tensor, template: str) -> float:
    oval = ellipse_mask(weight.shape[-1], template, _SOFTNESS).to(weight)
    return float(((1 - weight) * oval).sum() / oval.sum())

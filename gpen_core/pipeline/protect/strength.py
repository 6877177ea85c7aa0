"""Faces that need nothing are left alone: the better a face is already, the less of the restoration is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from ...faces.quality import QualityEstimator
from ...threads import by_itself
from ...types import RestoredFace

# Between these qualities strength falls from 1 to 0. Measured by `evaluate --protect`; docs/protect.md has the figures.
RUINED, GOOD = 0.35, 0.85
_WORTH_SAYING = 0.95  # above, nobody would see a difference


@dataclass(frozen=True)
class MatchStrength:
    """Judges the crop at the size at which the model sees it, and lowers the face's strength by what it finds.

    ``asked`` is the strength of the run, by which that of each face is multiplied at last.
    """

    estimator: QualityEstimator
    asked: float = 1.0

    def protect(self, face: RestoredFace, frame: Tensor) -> RestoredFace:
        """As ``Protection``."""
        with by_itself():
            (quality,) = self.estimator.qualities(face.crop.pixels[None])
        strength = face.strength * strength_for(quality)
        crop = replace(face.crop, face=replace(face.crop.face, quality=quality))
        judged = replace(face, crop=crop, strength=strength)
        return judged.noted(_note(strength, self.asked), quality=quality, strength=strength)


def strength_for(quality: float) -> float:
    """From 1 for a face that is clearly degraded to 0 for one that needs nothing; never rises with quality."""
    left = min(max((GOOD - quality) / (GOOD - RUINED), 0.0), 1.0)
    return left * left * (3 - 2 * left)


def _note(strength: float, asked: float) -> str:
    if asked == 0:
        return ""  # whoever asked for nothing knows why nothing was taken
    if strength == 0:
        return "This face needs nothing: it was left as it is."
    if strength >= _WORTH_SAYING:
        return ""
    return f"This face is fairly good: {100 * strength * asked:.0f} % of the restoration was taken."

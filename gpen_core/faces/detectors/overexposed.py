"""Faces in over-exposed pictures: seen in several renderings, since in none of them all are plain.

Where skin is clipped to white, eyes and mouth remain. A detector finds some of these faces in one rendering and some in
another, and takes other things for faces in one of them, but not in several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor

from .exposure import Exposure, exposure_of
from .options import Levels
from .shown import Shown
from .sightings import Sighting, borne_out, clearest, matching

_SIDES = (112, 64, 48)  # px: at which a face is looked at that one rendering alone shows
_MOST_LOOKS = 32  # bounds the work on a picture full of doubtful things


class Scan(Protocol):
    """What is asked of a ``MultiPassDetector``, whose methods these are."""

    levels: Levels

    def search(self, frame: Shown, seen: Sequence[Sighting] | None = None) -> list[Sighting]:
        """All passes."""
        ...

    def upright_pass(self, frame: Shown) -> list[Sighting]:
        """The first one alone."""
        ...

    def look(self, frame: Shown, first: Sighting, side: float, turns: int) -> list[Sighting]:
        """A closer view."""
        ...

    def is_certain(self, sighting: Sighting) -> bool:
        """Whether no second look is needed."""
        ...


def softened(frame: Tensor) -> Tensor:
    """[3, H, W] at half its contrast, around the middle: clipped white becomes as light as skin."""
    return frame * 0.5 + 0.25


def dimmed(frame: Tensor) -> Tensor:
    """[3, H, W] with white as light as skin, and black as it is."""
    return frame * 0.65


def deepened(frame: Tensor) -> Tensor:
    """[3, H, W] with the contrast moved into the lights, where over-exposed faces have all they have."""
    return frame.square()


_RENDERINGS: tuple[Callable[[Tensor], Tensor], ...] = (softened, deepened, dimmed)
# At how many of the sizes a face must show that shows in one rendering only: softened, what is no face shows at none, and
# deepened, at two of three.
_ENOUGH = (2, 3)


def over_exposed_faces(scan: Scan, frame: Shown, exposure: Exposure) -> list[Sighting]:
    """The faces that renderings agree on, and those that a closer look confirms in one that can be trusted.

    That the frame itself shows a face is not enough, unless it is certain.
    """
    shown = [*(frame.changed(change) for change in _RENDERINGS), frame]
    seen = [scan.upright_pass(each) for each in shown]
    plain, confirmed = scan.search(frame, seen[-1]), []
    if exposure.is_clipped:
        gray = frame.changed(Exposure.darkest)
        stretched = gray.changed(exposure_of(gray).stretched)
        seen.append(scan.upright_pass(stretched))
        confirmed = scan.search(stretched, seen[-1])
    found = [*confirmed, *borne_out(seen, scan.levels.accept, scan.levels.sure)]
    doubtful = sorted((s for each in seen for s in each if not matching(s, found)), key=lambda s: -s.score)
    for first in doubtful[:_MOST_LOOKS]:
        if not matching(first, found):
            found += _looked_at(scan, shown, first)
    return found + [s for s in plain if s.turns or scan.is_certain(s) or matching(s, found)]


def faces_by_softer_light(scan: Scan, stretched: Shown) -> list[Sighting]:
    """The faces of a badly exposed frame that was stretched, and those that show at half of that contrast.

    Stretching what is faint makes it harder than a photograph is: faces at the edge of being found are lost by that.
    """
    seen = scan.upright_pass(stretched)
    found, softer = list(scan.search(stretched, seen)), [stretched.changed(softened)]
    for first in [s for s in seen if not matching(s, found)][:_MOST_LOOKS]:
        if not matching(first, found):
            found += _looked_at(scan, softer, first)
    return found


def _looked_at(scan: Scan, renderings: Sequence[Shown], first: Sighting) -> list[Sighting]:
    """The face as a rendering shows it at several sizes, at one of them plainly or at all of them; none where none does."""
    for frame, enough in zip(renderings, _ENOUGH, strict=False):
        looks = [s for side in _SIDES for s in scan.look(frame, first, side, turns=0)[:1]]
        plain = any(s.score >= scan.levels.accept for s in looks)
        if len(looks) >= enough and (plain or enough == len(_SIDES)):
            return [clearest(looks)]
    return []

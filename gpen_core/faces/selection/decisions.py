"""What can be decided about a face, and about all of them."""

from __future__ import annotations

from dataclasses import dataclass

from ...alike import gathered
from ...types import Face
from .picks import Pick

CHOSEN, INCLUDED, EXCLUDED, LIMITS, LEFT_OUT = "chosen", "included", "excluded", "limits", "left_out"
STATES = (CHOSEN, INCLUDED, EXCLUDED, LIMITS, LEFT_OUT)


@dataclass(frozen=True)
class Choice:
    """What was decided about a face.

    Attributes:
        face: The face.
        index: Its number in its frame, from 0, in the order asked for.
        state: "chosen" (by the rules), "included" or "excluded" (by a pick), "limits" (it misses a limit, the mask or the
            reference), or "left_out" (the index list or the maximum number of faces leaves it out).
        why: A few words for people, such as "18 px, below 40 px"; "" where the rules chose it.
        rules: State and reason if nothing had been picked: what becomes of the face when its pick is removed.
    """

    face: Face
    index: int
    state: str = CHOSEN
    why: str = ""
    rules: tuple[str, str] = (CHOSEN, "")

    @property
    def chosen(self) -> bool:
        """Whether the face is to be worked on."""
        return self.state in (CHOSEN, INCLUDED)


@dataclass(frozen=True)
class Selection:
    """What was decided about all faces.

    Attributes:
        choices: Frame by frame, in the order asked for.
        lost: Picks that found no face, as (list, pick); the list is "include" or "exclude".
        absent: Numbers of the index list that no frame has.
    """

    choices: tuple[Choice, ...]
    lost: tuple[tuple[str, Pick], ...] = ()
    absent: tuple[int, ...] = ()

    @property
    def chosen(self) -> tuple[Face, ...]:
        """The faces to work on."""
        return tuple(choice.face for choice in self.choices if choice.chosen)

    @property
    def rest(self) -> tuple[Face, ...]:
        """The other faces."""
        return tuple(choice.face for choice in self.choices if not choice.chosen)

    def summary(self) -> str:
        """One or two sentences for people."""
        parts = [_counted(len(self.chosen), len(self.choices))]
        if self.absent:
            parts.append(f"There is {self.without()}.")
        if self.lost:
            few = "1 pick finds" if len(self.lost) == 1 else f"{len(self.lost)} picks find"
            parts.append(f"{few} no face in this image.")
        return " ".join(parts)

    def without(self) -> str:
        """The numbers that name no face, as "no face 5, 7"; "" where all do."""
        return f"no face {', '.join(map(str, self.absent))}" if self.absent else ""

    def why_none(self) -> str:
        """Where no face is chosen: what became of those that were found, in a few words."""
        found = len(self.choices)
        if not found:
            return "no face found"
        reasons = "; ".join(reason for reason, _ in gathered(choice.why for choice in self.choices))
        return f"{'the face is not chosen' if found == 1 else f'none of {found} faces is chosen'} ({reasons})"


def _counted(chosen: int, found: int) -> str:
    if not found:
        return "No face found: nothing will be restored."
    if chosen:
        return f"{chosen} of {found} face{'s' if found > 1 else ''} chosen."
    none = f"None of {found} faces is chosen" if found > 1 else "The only face is not chosen"
    return f"{none}: nothing will be restored."

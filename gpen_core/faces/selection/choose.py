"""Apply the rules and the picks, and say of each face what was decided and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from ...types import Face
from .indices import parse_indices, resolve_indices
from .limits import limit_missed
from .masks import MaskRule, mask_shares
from .options import SelectOptions
from .orders import ORDERS
from .picks import Pick, Picks, find_picked
from .reference import Likeness

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
            parts.append(f"There is no face {', '.join(map(str, self.absent))}.")
        if self.lost:
            few = "1 pick finds" if len(self.lost) == 1 else f"{len(self.lost)} picks find"
            parts.append(f"{few} no face in this image.")
        return " ".join(parts)

    def why_none(self) -> str:
        """Where no face is chosen: what became of those that were found, in a few words."""
        found = len(self.choices)
        if not found:
            return "no face found"
        reasons = "; ".join(dict.fromkeys(choice.why for choice in self.choices))
        return f"{'the face is not chosen' if found == 1 else f'none of {found} faces is chosen'} ({reasons})"


def choose_faces(
    faces: Iterable[Face],
    options: SelectOptions = SelectOptions(),
    *,
    picks: Picks = Picks(),
    mask: Tensor | None = None,
    mask_rule: MaskRule = MaskRule(),
    likeness: Likeness | None = None,
) -> Selection:
    """Decide which faces to work on.

    Args:
        faces: Detected faces, from any number of frames.
        options: Order, numbers and limits.
        picks: Made by hand; they override everything else.
        mask: [B or 1, 1, h, w] in [0, 1]; None: faces anywhere.
        mask_rule: Whether faces must lie inside or outside the mask.
        likeness: Whose faces they must be; None: anybody's.

    Returns:
        What was decided about every face.

    Raises:
        ImageError: The mask has another shape than the frames, or too few frames.
    """
    ordered = sorted(faces, key=lambda face: (face.frame, ORDERS[options.order](face, options.point)))
    reasons = [limit_missed(face, options) or (likeness.missed(face) if likeness else "") for face in ordered]
    if mask is not None:
        for place, share in enumerate(mask_shares(ordered, mask)):
            if not reasons[place] and not mask_rule.keeps(share):
                reasons[place] = f"{share:.0%} of the face is in the mask".replace("%", " %")
    included, lost = find_picked(picks.include, ordered)
    excluded, lost_too = find_picked(picks.exclude, ordered)
    states: dict[int, tuple[str, str]] = {place: (INCLUDED, "included by hand") for place in included}
    states |= {place: (EXCLUDED, "excluded by hand") for place in excluded}
    choices, absent = _decide(ordered, reasons, states, options, picks.others == "none")
    return Selection(choices, (*(("include", p) for p in lost), *(("exclude", p) for p in lost_too)), absent)


def select_faces(faces: Iterable[Face], options: SelectOptions) -> tuple[Face, ...]:
    """Filter, sort and limit faces.

    Args:
        faces: Detected faces, from any number of frames.
        options: What to keep.

    Returns:
        The selected faces, frame by frame, in the requested order within each frame.
    """
    return choose_faces(faces, options).chosen


def _decide(
    ordered: Sequence[Face],
    reasons: Sequence[str],
    states: dict[int, tuple[str, str]],
    options: SelectOptions,
    only_picks: bool,
) -> tuple[tuple[Choice, ...], tuple[int, ...]]:
    """Faces in order, the limit that each misses, and what picks say by place → choices, and numbers no frame has."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, face in enumerate(ordered):
        places[face.frame].append(place)
    spans = parse_indices(options.indices)
    choices = []
    missing: set[int] | None = None
    for mine in places.values():
        listed, absent = resolve_indices(spans, len(mine))
        missing = set(absent) if missing is None else missing & set(absent)
        kept = 0
        for index, place in enumerate(mine):
            rules = _by_rules(reasons[place], index in listed or not spans, options.limit, kept)
            kept += rules[0] == CHOSEN and place not in states
            others = (LEFT_OUT, "not picked") if only_picks and rules[0] != LIMITS else rules
            choices.append(Choice(ordered[place], index, *(states.get(place) or others), rules))
    return tuple(choices), tuple(sorted(missing or ()))


def _by_rules(missed: str, listed: bool, limit: int, kept: int) -> tuple[str, str]:
    if missed:
        return LIMITS, missed
    if not listed:
        return LEFT_OUT, "not in the list of faces"
    if limit and kept >= limit:
        return LEFT_OUT, f"more than {limit} face{'s' if limit > 1 else ''}"
    return CHOSEN, ""


def _counted(chosen: int, found: int) -> str:
    if not found:
        return "No face found: nothing will be restored."
    if chosen:
        return f"{chosen} of {found} face{'s' if found > 1 else ''} chosen."
    none = f"None of {found} faces is chosen" if found > 1 else "The only face is not chosen"
    return f"{none}: nothing will be restored."

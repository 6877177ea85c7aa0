"""Apply the rules and the picks, and say of each face what was decided and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from torch import Tensor

from ...types import Face
from .decisions import CHOSEN, EXCLUDED, INCLUDED, LEFT_OUT, LIMITS, Choice, Selection
from .indices import parse_indices, resolve_indices
from .limits import limit_missed
from .masks import MaskRule, mask_shares
from .options import SelectOptions
from .orders import ORDERS
from .picks import Picks, find_picked
from .reference import Likeness
from .tracks import along_tracks


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
        What was decided about every face; about those of a track, the same.

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
    selection = Selection(choices, (*(("include", p) for p in lost), *(("exclude", p) for p in lost_too)), absent)
    return along_tracks(selection)


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

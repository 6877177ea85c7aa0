"""Decide about faces of a clip track by track: a face is chosen in all of its frames, or in none."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

from .decisions import EXCLUDED, INCLUDED, Choice, Selection


def along_tracks(selection: Selection) -> Selection:
    """The same selection, with one decision for each track.

    A face that was picked by hand in one frame is picked in all; otherwise the decision of most frames holds. Faces that nobody
    followed (``track`` 0) are left as they are.
    """
    if not any(choice.face.track for choice in selection.choices):
        return selection
    by_track: dict[int, list[Choice]] = defaultdict(list)
    for choice in selection.choices:
        by_track[choice.face.track].append(choice)
    verdicts = {track: _verdict(choices) for track, choices in by_track.items() if track}
    return replace(
        selection,
        choices=tuple(
            replace(choice, state=verdicts[choice.face.track].state, why=verdicts[choice.face.track].why)
            if choice.face.track
            else choice
            for choice in selection.choices
        ),
    )


def _verdict(choices: list[Choice]) -> Choice:
    """The choice that stands for the track."""
    for state in (EXCLUDED, INCLUDED):
        for choice in choices:
            if choice.state == state:
                return choice
    chosen = sum(choice.chosen for choice in choices)
    alike = [choice for choice in choices if choice.chosen == (2 * chosen >= len(choices))]
    reason, _ = Counter((choice.state, choice.why) for choice in alike).most_common(1)[0]
    return next(choice for choice in alike if (choice.state, choice.why) == reason)

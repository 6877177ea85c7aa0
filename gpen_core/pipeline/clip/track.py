"""Give faces that were found elsewhere the numbers of their tracks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ...faces.cuts import CutFinder
from ...faces.moving import resized_with
from ...faces.tracking import Tracker
from ...geometry import size_of
from ...imaging.numbers import is_finite
from .moment import Moment


def tracked(moments: Iterable[Moment], tracker: Tracker) -> Iterator[Moment]:
    """The same moments, whose faces know their tracks. All tracks end where another scene begins."""
    cuts = CutFinder()
    for moment in moments:
        if not is_finite(moment.frame):
            yield replace(moment, faces=(), usable=False)
            continue
        pixels = moment.pixels()
        begins = cuts.is_cut(pixels)
        if begins:
            tracker.cut()
        faces = [resized_with(face, size_of(pixels)) for face in moment.faces]
        yield replace(moment, faces=tracker.update(moment.number, pixels, faces), begins_scene=begins)

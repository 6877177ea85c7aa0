"""Lists of face numbers as people type them: "0, 2-4, -1"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from ...errors import OptionError

Span = tuple[int, int]  # first and last, both included; negative numbers count from the end
_ENTRY = re.compile(r"(-?[0-9]{1,6})(?:-(-?[0-9]{1,6}))?")
_DASHES = str.maketrans({"–": "-", "−": "-", "、": ","})
_MOST_ENTRIES = 10_000


def parse_indices(text: str) -> tuple[Span, ...]:
    """Read a list of face numbers.

    Args:
        text: Numbers and ranges, separated by commas or spaces. Numbers count from 0, negative ones from the end: -1 is the
            last face. A range holds both its ends: "2-4", "1--1" (from 1 to the last). Nothing means every face. Wide digits
            and commas, as Chinese and Japanese keyboards type them, are read too.

    Returns:
        The spans (first, last), as typed; none for every face.

    Raises:
        OptionError: Something else was typed.
    """
    entries = re.split(r"[\s,;]+", re.sub(r"\s*([,;])\s*", r"\1", _plain(text).strip()))
    entries = [entry for entry in entries if entry]
    if len(entries) > _MOST_ENTRIES:
        raise OptionError(f"the list of face numbers has {len(entries)} entries; at most {_MOST_ENTRIES} are read")
    return tuple(_span(entry) for entry in entries)


def resolve_indices(spans: Iterable[Span], count: int) -> tuple[frozenset[int], tuple[int, ...]]:
    """Which of ``count`` faces are listed, and which single numbers name a face that is not there."""
    listed: set[int] = set()
    absent = []
    for first, last in spans:
        start, end = (number + count if number < 0 else number for number in (first, last))
        found = range(max(start, 0), min(end, count - 1) + 1)
        listed.update(found)
        if not found and first == last:
            absent.append(first)
    return frozenset(listed), tuple(absent)


def _plain(text: str) -> str:
    """With the digits, commas and dashes of plain text."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES)


def _span(entry: str) -> Span:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise OptionError(
            f"'{entry[:40]}' is not a face number. Write numbers and ranges, such as 0, 2-4, -1; nothing for all"
        )
    first = int(found[1])
    last = first if found[2] is None else int(found[2])
    if last < first and (first >= 0) == (last >= 0):
        raise OptionError(f"the range {first}-{last} is backward: write {last}-{first}")
    return first, last

"""Sentences that differ in numbers only, said as one: of "24 px" and "31 px", "24–31 px"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"(?<![\w.])-?[0-9]+(?:\.[0-9]+)?")


def gathered(sentences: Iterable[str]) -> list[tuple[str, int]]:
    """Each kind of sentence once, with the range of its numbers, and how many there were; in the order of their first."""
    alike: dict[str, list[str]] = {}
    for sentence in sentences:
        alike.setdefault(_NUMBER.sub("#", sentence), []).append(sentence)
    return [(_with_ranges(group), len(group)) for group in alike.values()]


def _with_ranges(sentences: Sequence[str]) -> str:
    """Where they differ, the least and the largest number."""
    columns = zip(*(_NUMBER.findall(sentence) for sentence in sentences), strict=True)
    ranges = iter([_range(column) for column in columns])
    return _NUMBER.sub(lambda _: next(ranges), sentences[0])


def _range(numbers: Sequence[str]) -> str:
    least, largest = min(numbers, key=float), max(numbers, key=float)
    return least if float(least) == float(largest) else f"{least}–{largest}"

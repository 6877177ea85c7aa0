"""What a clip's file holds beside picture and sound: chapters, which are kept, and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Extras:
    """What a file holds beside picture and sound.

    Attributes:
        chapters: As PyAV has them, their times counted from the beginning of what is restored.
        lost: What the new file does not hold, in words.
    """

    chapters: tuple[dict[str, Any], ...] = ()
    lost: tuple[str, ...] = ()

    def add_to(self, output: Any) -> None:
        """Put the chapters into a file, before anything is written to it."""
        if self.chapters:
            output.set_chapters([dict(chapter) for chapter in self.chapters])

    @property
    def note(self) -> str:
        """A sentence on what is lost, or ""."""
        return f"Not kept: {', '.join(self.lost)}." if self.lost else ""


def extras_of(container: Any, suffix: str, start: float = 0.0, end: float | None = None) -> Extras:
    """Look for them.

    Args:
        container: The open source.
        suffix: Of the new file.
        start: Seconds from the beginning of the source at which the new file begins.
        end: Seconds at which it stops; None: at the end.
    """
    lost = []
    found = list(container.chapters()) if hasattr(container, "chapters") else []
    kept = [chapter for chapter in (_shifted(chapter, start, end) for chapter in found) if chapter is not None]
    holds = suffix.lower() != ".webm" and hasattr(container, "set_chapters")
    if kept and not holds:
        lost.append(_count(len(kept), "chapter"))
    streams = container.streams
    for number, what in ((len(streams.subtitles), "subtitle track"), (len(streams.video) - 1, "further picture track")):
        if number > 0:
            lost.append(_count(number, what))
    others = len(streams) - len(streams.video) - len(streams.audio) - len(streams.subtitles)
    if others > 0:
        lost.append(_count(others, "track of data or attachments", "tracks of data or attachments"))
    return Extras(tuple(kept) if holds else (), tuple(lost))


def _shifted(chapter: dict[str, Any], start: float, end: float | None) -> dict[str, Any] | None:
    """A chapter as the new file has it; None where all of it is left out."""
    base = Fraction(chapter["time_base"])
    first, last = round(start / base), None if end is None else round(end / base)
    begins = max(chapter["start"], first)
    ends = chapter["end"] if last is None else min(chapter["end"], last)
    return None if ends <= begins else {**chapter, "start": begins - first, "end": ends - first}


def _count(number: int, one: str, several: str = "") -> str:
    return f"1 {one}" if number == 1 else f"{number} {several or one + 's'}"

"""What became of a clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..alike import gathered
from ..geometry import overlap
from ..pipeline.clip.stream import Result
from ..pipeline.protect.identity import LOWERED, NO_NETWORK

_SAME_FACE = 0.5  # overlap of its boxes in one frame, as two runs find it


@dataclass
class ClipReport:
    """What became of a clip.

    Attributes:
        frames: How many were written.
        with_faces: In how many of them a face was restored.
        tracks: How many frames each face was restored in, by the number of its track.
        size: (height, width) of the result.
        notes: What a user should know.
        likeness: What was said of faces' likeness to themselves.
        last: Where the faces of the last frame were, by the numbers of their tracks.
        numbers: Of the tracks of a run that goes on, under which they are counted; None in a run from the beginning.
    """

    frames: int = 0
    with_faces: int = 0
    tracks: dict[int, int] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    notes: list[str] = field(default_factory=list)
    likeness: set[str] = field(default_factory=set)
    last: dict[int, tuple[float, float, float, float]] = field(default_factory=dict)
    numbers: dict[int, int] | None = None

    def count(self, result: Result) -> None:
        """One more frame."""
        self.frames += 1
        self.with_faces += bool(result.faces)
        self.last = {}
        for face in result.faces:
            track = self._number(face.crop.face.track)
            self.tracks[track] = self.tracks.get(track, 0) + 1
            self.last[track] = face.crop.face.box
            self.likeness |= {note for note in face.facts.notes if note.startswith((LOWERED, NO_NETWORK))}

    def meet(self, result: Result) -> None:
        """A frame that was counted before, seen again by a run that goes on: faces of the last one keep their numbers."""
        self.numbers = {
            face.crop.face.track: number
            for face in result.faces
            for number, box in self.last.items()
            if overlap(face.crop.face.box, box) > _SAME_FACE
        }

    def _number(self, track: int) -> int:
        if self.numbers is None:
            return track
        return self.numbers.setdefault(track, max(self.tracks, default=0) + 1)

    def as_plain(self) -> dict[str, Any]:
        """For a file in JSON, from which ``from_plain`` goes on."""
        return {
            "frames": self.frames, "with_faces": self.with_faces, "tracks": list(self.tracks.items()), "size": self.size,
            "notes": self.notes, "likeness": sorted(self.likeness), "last": list(self.last.items()),
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ClipReport:
        """What ``as_plain`` wrote, in a run that goes on."""
        height, width = plain["size"]
        return cls(
            plain["frames"], plain["with_faces"], dict(plain["tracks"]), (height, width), list(plain["notes"]),
            set(plain["likeness"]), {number: tuple(box) for number, box in plain["last"]}, {},
        )  # fmt: skip

    def note(self, sentence: str) -> None:
        """Something a user should know; the same is said once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def text(self) -> str:
        """A sentence for people."""
        frames = f"{self.frames} frame{'' if self.frames == 1 else 's'}"
        if not self.tracks:
            return f"{frames}; no face found or chosen."
        faces = f"{len(self.tracks)} face{'s' if len(self.tracks) > 1 else ''}"
        told = [f"{frames}; {faces} restored in {self.with_faces} of them."]
        return " ".join([*told, *(note for note, _ in gathered(sorted(self.likeness))), *self.notes])

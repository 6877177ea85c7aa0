"""What became of a clip."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..alike import gathered
from ..pipeline.clip.stream import Result
from ..pipeline.protect.identity import LOWERED, NO_NETWORK


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
    """

    frames: int = 0
    with_faces: int = 0
    tracks: dict[int, int] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    notes: list[str] = field(default_factory=list)
    likeness: set[str] = field(default_factory=set)

    def count(self, result: Result) -> None:
        """One more frame."""
        self.frames += 1
        self.with_faces += bool(result.faces)
        for face in result.faces:
            track = face.crop.face.track
            self.tracks[track] = self.tracks.get(track, 0) + 1
            self.likeness |= {note for note in face.facts.notes if note.startswith((LOWERED, NO_NETWORK))}

    def note(self, sentence: str) -> None:
        """Something a user should know; the same is said once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def text(self) -> str:
        """A sentence for people."""
        if not self.tracks:
            return f"{self.frames} frames; no face found or chosen."
        faces = f"{len(self.tracks)} face{'s' if len(self.tracks) > 1 else ''}"
        told = [f"{self.frames} frames; {faces} restored in {self.with_faces} of them."]
        return " ".join([*told, *(note for note, _ in gathered(sorted(self.likeness))), *self.notes])

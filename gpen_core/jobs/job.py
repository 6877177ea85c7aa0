"""One image or clip to restore, and where its results go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..video.animated import ANIMATIONS, is_animation
from ..video.files import WRITABLE_CLIPS, is_clip


@dataclass(frozen=True)
class Job:
    """One image to restore.

    Attributes:
        source: The image.
        target: Its result.
        pair: Its before/after image, if that is asked for.
        faces: The folder for its faces, if those are asked for.
        only_beside: The result is there and stays: what is missing beside it is made.
    """

    source: Path
    target: Path
    pair: Path | None = None
    faces: Path | None = None
    only_beside: bool = False

    @property
    def written(self) -> tuple[Path, ...]:
        """Everything that is written, the result first."""
        result = None if self.only_beside else self.target
        return tuple(path for path in (result, self.pair, self.faces) if path is not None)


def is_moving(job: Job) -> bool:
    """Whether it is restored as a clip: a film, or a picture file with several frames. Nothing is written beside those."""
    ending = job.target.suffix.lower()
    return (is_clip(job.source) and ending in WRITABLE_CLIPS) or (ending in ANIMATIONS and is_animation(job.source))


def key_of(path: Path) -> str:
    """Equal where a file system that ignores case would take two names for one."""
    return str(path).casefold()

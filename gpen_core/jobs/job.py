"""One image or clip to restore, and where its results go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One image to restore.

    Attributes:
        source: The image.
        target: Its result.
        pair: Its before/after image, if that is asked for.
        faces: The folder for its faces, if those are asked for.
    """

    source: Path
    target: Path
    pair: Path | None = None
    faces: Path | None = None

    @property
    def written(self) -> tuple[Path, ...]:
        """Everything that is written."""
        return tuple(path for path in (self.target, self.pair, self.faces) if path is not None)


def key_of(path: Path) -> str:
    """Equal where a file system that ignores case would take two names for one."""
    return str(path).casefold()

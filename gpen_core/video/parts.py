"""A long clip is written in parts, so that a run that was killed goes on where the last whole part ended."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import ImageError
from ..files import written_whole
from ..geometry import size_of
from .codecs import EncodeOptions, codec_for
from .extras import Extras
from .files import writing
from .info import ClipInfo
from .joining import join
from .report import ClipReport
from .sound import Sound
from .write import ClipWriter

PART_FRAMES = 500  # 20 seconds
_JOB = "job.json"


@dataclass(frozen=True)
class Part:
    """A part that is whole.

    Attributes:
        first: Number of its first frame, from the beginning of what is restored.
        frames: How many it has.
        time: Of its first frame, in units of the clip's time base from the beginning of what is restored.
        next_time: Of the frame after it; -1 where it is the last one.
        report: What became of the clip to the end of this part, as ``ClipReport.as_plain`` says it.
    """

    first: int
    frames: int
    time: int
    next_time: int = -1
    report: dict[str, Any] = field(default_factory=dict)


class PartsWriter:
    """Writes a clip as parts in a hidden folder beside it, and joins them at the end.

    Args:
        target: The clip that will be.
        job: Whatever decides about the result: parts of another job are thrown away.
        info: Of the source.
        options: How it is encoded.
        part_frames: Frames of a part.

    Attributes:
        report: What became of the frames so far, those of parts that were there already among them; the caller counts.
        size: (height, width) of all frames; None before the first one.
    """

    def __init__(
        self, target: Path, job: object, info: ClipInfo, options: EncodeOptions, part_frames: int = PART_FRAMES
    ) -> None:
        self.target, self._info, self._options, self._part_frames = target, info, options, part_frames
        codec_for(options, info, target.suffix)  # what cannot be written is said before any work
        self.folder = target.parent / f".{target.name}-parts"
        self._open(hashlib.sha256(repr(job).encode()).hexdigest())
        self.parts = self._found()
        told = self.parts[-1].report if self.parts else {}
        self.report = ClipReport.from_plain(told) if told else ClipReport(frames=self.done)
        self.size = self.report.size if all(self.report.size) else None
        self._writer: ClipWriter | None = None
        self._now: tuple[int, int] = (0, 0)  # first frame and its time
        self._count = 0

    def _open(self, job: str) -> None:
        mark = self.folder / _JOB
        if self.folder.exists() and _job_in(mark) != job:
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        if not mark.is_file():
            with written_whole(mark) as temporary:
                temporary.write_text(json.dumps(job))

    def _found(self) -> list[Part]:
        parts: list[Part] = []
        while (note := self._note(len(parts))).is_file() and self._file(len(parts)).is_file():
            parts.append(Part(**json.loads(note.read_text())))
        return parts

    @property
    def done(self) -> int:
        """Frames that are in whole parts already."""
        return sum(part.frames for part in self.parts)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left but joining them."""
        return bool(self.parts) and self.parts[-1].next_time < 0

    def write(self, frame: Tensor, time: int) -> None:
        """Add a frame, as ``ClipWriter.write`` does; the first one is number ``done``.

        Raises:
            ImageError: It has another size than those before it.
        """
        self.size = self.size or size_of(frame)
        if size_of(frame) != self.size:
            (height, width), (before_height, before_width) = size_of(frame), self.size
            raise ImageError(
                f"{self.target.name}: a frame of {width}×{height} px follows on frames of {before_width}×{before_height} px. "
                f"Delete {self.folder} and restore the clip again."
            )
        if self._writer is not None and self._count >= self._part_frames:
            self._finish(time)
        if self._writer is None:
            self._now, self._count = (self.done, time), 0
            self._writer = ClipWriter(self._half(), self._info, size_of(frame), self._options)
        self._writer.write(frame, time - self._now[1])
        self._count += 1

    def close(self, sound: Sound | None, extras: Extras = Extras()) -> None:
        """Finish the last part, and join all into the clip, with its sound and chapters."""
        if self._writer is not None:
            self._finish(-1)
        with written_whole(self.target) as temporary:
            files = [self._file(number) for number in range(len(self.parts))]
            with writing(self.target.name):
                join(files, self.parts, temporary, self._info, sound, extras)
        shutil.rmtree(self.folder)

    def abandon(self, *, keep: bool) -> None:
        """Let go of the part that is not whole; the others stay for the next run, if they are to be kept."""
        if self._writer is not None:
            self._writer.abandon()
            self._half().unlink(missing_ok=True)
            self._writer = None
        if not self.parts or not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _finish(self, next_time: int) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        number = len(self.parts)
        part = Part(self._now[0], self._count, self._now[1], next_time, self.report.as_plain())
        self._half().replace(self._file(number))
        with written_whole(self._note(number)) as temporary:  # last: what has a note is whole
            temporary.write_text(json.dumps(asdict(part)))
        self.parts.append(part)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:05d}{self.target.suffix}"

    def _note(self, number: int) -> Path:
        return self.folder / f"{number:05d}.json"

    def _half(self) -> Path:
        return self.folder / f"unfinished{self.target.suffix}"


def _job_in(mark: Path) -> object:
    """Whose parts they are; None where nothing that can be read says so."""
    try:
        return json.loads(mark.read_text())
    except (OSError, ValueError):
        return None

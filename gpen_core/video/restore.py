"""Restore a clip from file to file."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from ..checkpoints import GpenModel
from ..errors import ImageError
from ..faces.detectors.base import FaceDetector
from ..faces.parsing import FaceParser
from ..faces.selection import Reference
from ..files import written_whole
from ..geometry import size_of
from ..pipeline.clip import VideoOptions, ahead, restore_stream
from ..pipeline.clip.stream import Result
from ..pipeline.hooks import Hooks
from ..pipeline.protect import ProtectTools
from ..pipeline.run import Settings
from .read import ClipFrame, ClipReader
from .write import ClipWriter, EncodeOptions

_QUEUE = 4  # frames between two threads


@dataclass(frozen=True, eq=False)
class ClipTools:
    """What a clip is restored with.

    Attributes:
        model: Restores faces.
        detector: Finds them.
        settings: Which faces, how, and the size of the result.
        video: How steady faces are held.
        parser: Draws the outline of each face; without one it is an oval.
        reference: Only this person's faces are restored.
        protect: Networks that protecting uses.
        encode: How the result is encoded.
    """

    model: GpenModel
    detector: FaceDetector
    settings: Settings = Settings()
    video: VideoOptions = VideoOptions()
    parser: FaceParser | None = None
    reference: Reference | None = None
    protect: ProtectTools = ProtectTools()
    encode: EncodeOptions = EncodeOptions()


@dataclass
class ClipReport:
    """What became of a clip.

    Attributes:
        frames: How many were written.
        with_faces: In how many of them a face was restored.
        tracks: How many frames each face was restored in, by the number of its track.
        size: (height, width) of the result.
        notes: What a user should know.
    """

    frames: int = 0
    with_faces: int = 0
    tracks: dict[int, int] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    notes: list[str] = field(default_factory=list)

    def count(self, result: Result) -> None:
        """One more frame."""
        self.frames += 1
        self.with_faces += bool(result.faces)
        for face in result.faces:
            track = face.crop.face.track
            self.tracks[track] = self.tracks.get(track, 0) + 1

    def text(self) -> str:
        """A sentence for people."""
        if not self.tracks:
            return f"{self.frames} frames; no face found."
        faces = f"{len(self.tracks)} face{'s' if len(self.tracks) > 1 else ''}"
        return " ".join([f"{self.frames} frames; {faces} restored in {self.with_faces} of them.", *self.notes])


def restore_clip(
    source: Path | io.BytesIO,
    target: Path,
    tools: ClipTools,
    *,
    start: float = 0.0,
    end: float | None = None,
    hooks: Hooks = Hooks(),
) -> ClipReport:
    """Restore the faces of a clip: decode, search, restore and encode side by side, a few frames at a time.

    Sound, times of frames, colors and texts of the file are kept. The result appears under its name when it is complete.

    Args:
        source: The clip's file, or its content.
        target: The new file; its ending says which kind.
        tools: Networks and settings.
        start: Seconds at which to begin.
        end: Seconds at which to stop; None: at the end.
        hooks: Told of each stage, from several threads.

    Returns:
        What became of it.

    Raises:
        ImageError: The clip cannot be decoded, or the result not be encoded.
        OptionError: PyAV is missing, or the file's kind does not take the codec.
        RestorationError: Not even one face fits into memory.
    """
    report = ClipReport()
    with ClipReader(source, start, end) as reader, written_whole(target) as temporary:
        times: list[int] = []
        with closing(ahead(reader.frames(), _QUEUE)) as frames:
            restored = restore_stream(
                _pixels(frames, times), tools.model, tools.detector, tools.settings, tools.video,
                reference=tools.reference, parser=tools.parser, hooks=hooks, tools=tools.protect,
                total=reader.expected_frames,
            )  # fmt: skip
            with closing(ahead(restored, _QUEUE)) as results:
                _write(results, reader, times, temporary, tools.encode, report)
    return report


def _pixels(frames: Iterator[ClipFrame], times: list[int]) -> Iterator[Tensor]:
    """What the stages see of the frames; their times wait until they come back."""
    for frame in frames:
        times.append(frame.time)
        yield frame.pixels


def _write(
    results: Iterator[Result],
    reader: ClipReader,
    times: list[int],
    path: Path,
    encode: EncodeOptions,
    report: ClipReport,
) -> None:
    writer: ClipWriter | None = None
    begin = math.ceil(reader.start / reader.info.time_base)
    try:
        for result in results:
            if writer is None:
                report.size = size_of(result.frame)
                sound = reader.sound()
                writer = ClipWriter(path, reader.info, report.size, encode, sound)
                report.notes += sound.notes
            writer.write(result.frame, times[result.number] - begin)
            times[result.number] = 0
            report.count(result)
        if writer is None:
            raise ImageError(f"{reader.name}: there is no frame between {reader.start} and {reader.end or 'the end'} s")
        writer.close()
    except BaseException:
        if writer is not None:
            writer.abandon()
        raise

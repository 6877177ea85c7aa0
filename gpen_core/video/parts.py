"""A long clip is written in parts, so that a run that was killed goes on where the last whole part ended."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ..files import written_whole
from ..geometry import size_of
from .codecs import EncodeOptions, codec_for
from .extras import Extras
from .files import pyav
from .info import ClipInfo
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
        self._writer: ClipWriter | None = None
        self._now: tuple[int, int] = (0, 0)  # first frame and its time
        self._count = 0

    def _open(self, job: str) -> None:
        mark = self.folder / _JOB
        if self.folder.exists() and (not mark.is_file() or json.loads(mark.read_text()) != job):
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps(job))

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
        """Add a frame, as ``ClipWriter.write`` does; the first one is number ``done``."""
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


def join(
    files: list[Path], parts: list[Part], target: Path, info: ClipInfo, sound: Sound | None, extras: Extras = Extras()
) -> None:
    """Put parts one after the other, packet by packet, without encoding anything again."""
    av = pyav()
    flags = {"movflags": "+faststart+use_metadata_tags"} if target.suffix.lower() in (".mp4", ".mov", ".m4v") else {}
    with av.open(str(target), "w", options=flags) as output:
        output.metadata.update(dict(info.metadata))
        extras.add_to(output)
        stream, last = None, None
        for file, part in zip(files, parts, strict=True):
            times = _decoding_times(file)
            with av.open(str(file)) as container:
                source = container.streams.video[0]
                if stream is None:
                    stream = output.add_stream_from_template(source)
                    if source.codec_context.name == "hevc" and flags:
                        stream.codec_context.codec_tag = "hvc1"  # what Apple's players ask for
                    if sound is not None:
                        sound.add_to(output, target.suffix)
                shown = (packet for packet in container.demux(source) if packet.pts is not None)
                for packet, dts in zip(shown, times, strict=True):
                    packet.dts = dts
                    last = _placed(packet, part, info, last)
                    packet.stream = stream
                    seconds = float(packet.dts * packet.time_base)
                    output.mux(packet)
                    if sound is not None:
                        sound.mux_until(output, seconds)
        if sound is not None:
            sound.finish(output)


def _decoding_times(file: Path) -> list[int]:
    """When each packet is decoded, in the file's order. Matroska does not say so where frames are shown in another order."""
    with pyav().open(str(file)) as container:
        found = [(packet.pts, packet.dts) for packet in container.demux(video=0) if packet.pts is not None]
    if all(dts is not None for _, dts in found):
        return [dts for _, dts in found]
    shown = sorted(pts for pts, _ in found)
    early = max(at - pts for at, (pts, _) in zip(shown, found, strict=True))  # nothing is shown before it is decoded
    return [at - early for at in shown]


def _placed(packet: Any, part: Part, info: ClipInfo, last: int | None) -> int:
    """Move a packet to where its part belongs → its time of decoding, which must grow."""
    offset = round(part.time * info.time_base / packet.time_base)
    packet.pts += offset
    packet.dts = packet.dts + offset if last is None else max(packet.dts + offset, last + 1)
    packet.pts = max(packet.pts, packet.dts)
    return int(packet.dts)

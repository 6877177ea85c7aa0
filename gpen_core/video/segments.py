"""A long clip is cut where scenes change: its segments are restored by themselves, one after the other or side by side."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import ImageError
from ..faces.cuts import CutFinder
from ..files import written_whole
from ..modes import AUTO
from ..pipeline.clip.moment import as_float
from ..pipeline.hooks import Hooks
from .codecs import codec_for
from .files import writing
from .joining import join
from .parts import Part
from .read import ClipReader
from .report import ClipReport
from .restore import job_of, restore_clip
from .tools import ClipTools

SEGMENT_FRAMES = 500  # at least: each costs a look-ahead, and a key frame


@dataclass(frozen=True)
class Segment:
    """What lies between two cuts.

    Attributes:
        number: From 0.
        start: Seconds in the source at which it begins.
        end: Seconds at which the next one begins; None: where the clip ends.
        time: Of its first frame, in units of the clip's time base from the beginning of what is restored.
    """

    number: int
    start: float
    end: float | None
    time: int


@dataclass(frozen=True)
class Restored:
    """A segment that is done.

    Attributes:
        file: Its name in the folder of segments.
        frames: How many it has.
        with_faces: In how many of them a face was restored.
        tracks: How many faces were followed.
        size: (height, width) of the result.
        likeness: What was said of faces' likeness to themselves.
        notes: What a user should know besides.
    """

    file: str
    frames: int
    with_faces: int
    tracks: int
    size: tuple[int, int]
    likeness: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_segments(
    source: Path,
    scale: float | str,
    start: float = 0.0,
    end: float | None = None,
    frames: int = SEGMENT_FRAMES,
    hooks: Hooks = Hooks(),
) -> tuple[Segment, ...]:
    """Look through a clip for its scenes.

    Args:
        source: The clip.
        scale: Of the result; at "auto" all of a clip must have the size that its beginning asks for: one segment.
        start: Seconds at which to begin.
        end: Seconds at which to stop; None: at the end.
        frames: A segment ends at the first cut after so many frames.
        hooks: Told after each frame, as stage "scenes".

    Raises:
        ImageError: The clip cannot be decoded.
        OptionError: PyAV is missing.
    """
    cuts: list[int] = []
    with ClipReader(source, start, end) as reader:
        base = reader.info.time_base
        if scale != AUTO and not 0 < reader.expected_frames < 2 * frames:  # or there is nothing to gain
            finder, count = CutFinder(), 0
            for seen, frame in enumerate(reader.frames(), 1):
                hooks.progress("scenes", seen, reader.expected_frames)
                count += 1
                if finder.is_cut(as_float(frame.pixels)) and count > frames:
                    cuts.append(frame.time)
                    count = 1
    # Half a unit before a frame: what is rounded there, or not, leaves the frame on its side.
    edges = [float((time - 0.5) * base) for time in cuts]
    times = [0, *(time - math.ceil(start / base) for time in cuts)]
    return tuple(
        Segment(number, begin, stop, time)
        for number, (begin, stop, time) in enumerate(zip([start, *edges], [*edges, end], times, strict=True))
    )


def restore_in_segments(
    source: Path,
    target: Path,
    tools: ClipTools,
    *,
    start: float = 0.0,
    end: float | None = None,
    hooks: Hooks = Hooks(),
    segment_frames: int = SEGMENT_FRAMES,
) -> ClipReport:
    """``restore_clip``, segment by segment where a clip has several: what workers do side by side, done by one."""
    with ClipReader(source, start, end) as reader:
        codec_for(tools.encode, reader.info, target.suffix)  # what cannot be written is said before any work
    segments = find_segments(source, tools.settings.blend.scale, start, end, segment_frames, hooks)
    if len(segments) == 1:
        report = restore_clip(source, target, tools, start=start, end=end, hooks=hooks)
        shutil.rmtree(segment_folder(target), ignore_errors=True)  # left by a run with other settings
        return report
    folder = segment_folder(target)
    done = [restore_segment(source, folder, target.suffix, segment, tools, hooks) for segment in segments]
    report = join_segments(source, target, folder, segments, done, start, end)
    remove_segments(folder)
    return report


def segment_folder(target: Path) -> Path:
    """Where the segments of a clip wait for each other: hidden, beside the result."""
    return target.parent / f".{target.name}-segments"


def restore_segment(
    source: Path, folder: Path, suffix: str, segment: Segment, tools: ClipTools, hooks: Hooks = Hooks()
) -> Restored:
    """Restore one segment into a clip of its own, without sound; one that is there from the same job is taken.

    Raises:
        ImageError: The clip cannot be decoded, or the result not be encoded.
        RestorationError: Not even one face fits into memory.
    """
    job = repr((segment, job_of(source, tools, segment.start, segment.end)))
    name = f"{segment.number:05d}-{hashlib.sha256(job.encode()).hexdigest()[:12]}"
    note = folder / f"{name}.json"
    if note.is_file() and (folder / f"{name}{suffix}").is_file():
        return restored_from(json.loads(note.read_text()))
    report = restore_clip(
        source, folder / f"{name}{suffix}", tools, start=segment.start, end=segment.end, hooks=hooks, with_sound=False
    )
    done = Restored(
        f"{name}{suffix}", report.frames, report.with_faces, len(report.tracks), report.size,
        tuple(sorted(report.likeness)), tuple(report.notes),
    )  # fmt: skip
    with written_whole(note) as temporary:  # last: what has a note is whole
        temporary.write_text(json.dumps(asdict(done)))
    return done


def restored_from(plain: dict[str, object]) -> Restored:
    """From what JSON makes of it: lists."""
    return Restored(**{name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()})  # type: ignore[arg-type]


def join_segments(
    source: Path, target: Path, folder: Path, segments: Sequence[Segment], done: Sequence[Restored],
    start: float = 0.0, end: float | None = None,
) -> ClipReport:  # fmt: skip
    """Put segments one after the other, with the sound of the source.

    Raises:
        ImageError: Their pictures have different sizes.
    """
    if len({segment.size for segment in done}) != 1:
        raise ImageError(f"{source.name}: the segments of the result have different sizes")
    parts = [Part(0, one.frames, segment.time) for segment, one in zip(segments, done, strict=True)]
    with ClipReader(source, start, end) as reader, written_whole(target) as temporary:
        sound, extras = reader.sound(), reader.extras(target.suffix)
        with closing(sound), writing(target.name):
            join([folder / one.file for one in done], parts, temporary, reader.info, sound, extras)
    report = ClipReport(sum(one.frames for one in done), sum(one.with_faces for one in done), size=done[0].size)
    tracks = sum(one.tracks for one in done)
    report.tracks = dict.fromkeys(range(1, tracks + 1), 0)
    report.likeness = {sentence for one in done for sentence in one.likeness}
    for sentence in (*(note for one in done for note in one.notes), *sound.notes, extras.note):
        if sentence:
            report.note(sentence)
    return report


def remove_segments(folder: Path) -> None:
    """Once they are joined; with what a killed run has left there."""
    shutil.rmtree(folder)

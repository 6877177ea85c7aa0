"""Restore a clip from file to file."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import ExitStack, closing
from importlib import import_module
from pathlib import Path

from torch import Tensor

from ..errors import ImageError
from ..geometry import size_of
from ..pipeline.clip import restore_stream
from ..pipeline.clip.ahead import ahead
from ..pipeline.clip.smooth import HISTORY
from ..pipeline.hooks import Hooks
from .extras import Extras
from .parts import PART_FRAMES, PartsWriter
from .read import ClipFrame, ClipReader
from .report import ClipReport
from .sound import Sound
from .tools import ClipTools

_QUEUE = 4  # frames between two threads


def restore_clip(
    source: Path | io.BytesIO,
    target: Path,
    tools: ClipTools,
    *,
    start: float = 0.0,
    end: float | None = None,
    hooks: Hooks = Hooks(),
    resumes: bool = True,
    part_frames: int = PART_FRAMES,
    with_sound: bool = True,
) -> ClipReport:
    """Restore the faces of a clip: decode, search, restore and encode side by side, a few frames at a time.

    Sound, times of frames, colors and texts of the file are kept. The result appears under its name when it is complete. A run
    that was killed goes on where it was, to the last 20 seconds, when it is started again with the same settings: until then,
    parts wait in a hidden folder beside the result.

    Args:
        source: The clip's file, or its content.
        target: The new file; its ending says which kind.
        tools: Networks and settings.
        start: Seconds at which to begin.
        end: Seconds at which to stop; None: at the end.
        hooks: Told of each stage, from several threads.
        resumes: Whether parts are kept when the run fails; without, nothing is left.
        part_frames: Frames of a part.
        with_sound: Whether the source's sound and chapters are taken over.

    Returns:
        What became of it.

    Raises:
        ImageError: The clip cannot be decoded, or the result not be encoded.
        OptionError: PyAV is missing, or the file's kind does not take the codec.
        RestorationError: Not even one face fits into memory.
    """
    with ClipReader(source, start, end) as reader:
        parts = PartsWriter(target, job_of(source, tools, start, end), reader.info, tools.encode, part_frames)
        heard: Sound | None = None
        try:
            if not parts.is_complete:
                _restore_rest(reader, parts, tools, hooks)
            heard = reader.sound() if with_sound else None
            extras = reader.extras(target.suffix) if with_sound else Extras()
            parts.close(heard, extras)
        except BaseException:
            parts.abandon(keep=resumes)
            raise
        finally:
            if heard is not None:
                heard.close()
        for sentence in (*(heard.notes if heard else ()), extras.note):
            if sentence:
                parts.report.note(sentence)
    return parts.report


def job_of(source: Path | io.BytesIO, tools: ClipTools, start: float, end: float | None) -> tuple[object, ...]:
    """All that decides about the result: parts that another job has left are of no use."""
    if isinstance(source, Path):
        status = source.stat()
        what: tuple[object, ...] = (str(source.resolve()), status.st_size, status.st_mtime_ns)
    else:
        what = (hash(source.getvalue()),)
    person = None if tools.reference is None else tools.reference.vectors.tolist()
    parser = None if tools.parser is None else tools.parser.name
    identity, version = tools.protect.identity, import_module("..", __package__).__version__
    return (
        *what, start, end, tools.model.name, tools.model.config, str(tools.model.dtype), tools.detector.name, tools.settings,
        tools.video, parser, person, tools.encode, identity and identity.convention, version,
    )  # fmt: skip


def _restore_rest(reader: ClipReader, parts: PartsWriter, tools: ClipTools, hooks: Hooks) -> None:
    """Restore what is not in whole parts yet; the frames before it only tell what is steady."""
    begin = math.ceil(reader.start / reader.info.time_base)
    skipped, report = parts.done, parts.report
    first = parts.parts[-1].next_time + begin if parts.parts else None
    lead = HISTORY / float(reader.info.frame_rate)  # those tell what the face was like
    earliest = None if first is None else float(first * reader.info.time_base) - lead
    times: dict[int, int] = {}
    with ExitStack() as stack:
        frames = stack.enter_context(closing(ahead(reader.frames(earliest), _QUEUE)))
        restored = restore_stream(
            _pixels(frames, times), tools.model, tools.detector, tools.settings, tools.video,
            reference=tools.reference, parser=tools.parser, hooks=hooks, tools=tools.protect,
            total=max(reader.expected_frames - skipped, 0), canvas=parts.size,
        )  # fmt: skip
        for result in stack.enter_context(closing(restored)):
            time = times.pop(result.number)
            if first is not None and time < first:
                report.meet(result)
                continue
            report.size = size_of(result.frame)
            parts.write(result.frame, time - begin)
            report.count(result)
    if not report.frames:
        raise ImageError(f"{reader.name}: there is no frame between {reader.start} and {reader.end or 'the end'} s")


def _pixels(frames: Iterator[ClipFrame], times: dict[int, int]) -> Iterator[Tensor]:
    """What the stages see of the frames; their times wait until they come back."""
    for number, frame in enumerate(frames):
        times[number] = frame.time
        yield frame.pixels

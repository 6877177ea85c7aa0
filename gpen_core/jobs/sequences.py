"""Numbered images that are the frames of a clip."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..geometry import size_of
from ..imaging.files import load_picture
from ..modes import AUTO
from ..pipeline import Hooks
from ..video.animated import is_animation
from ..video.sequence import in_order, restore_sequence
from .endings import is_film
from .job import Job, is_moving
from .options import FileOptions
from .run import Done
from .sources import Source
from .tools import Tools


@dataclass(frozen=True)
class FrameSequence:
    """Images of one folder that are a clip.

    Attributes:
        frames: Each file and its result, in their order; None for a result that is there already.
    """

    frames: tuple[tuple[Path, Path | None], ...]

    @property
    def source(self) -> Path:
        """Where the images lie."""
        return self.frames[0][0].parent

    @property
    def target(self) -> Path:
        """Where the results go."""
        return next(target.parent for _, target in self.frames if target is not None)

    def size(self) -> tuple[int, int] | None:
        """(height, width) of the results that are there already; None where none is. Raises ImageError."""
        new = next(target for _, target in self.frames if target is not None)
        there = (new.with_name(source.stem + new.suffix) for source, target in self.frames if target is None)
        found = next((path for path in there if path.is_file()), None)
        return None if found is None else size_of(load_picture(found).numbers)


def with_sequences(sources: Sequence[Source], jobs: Sequence[Job]) -> list[Job | FrameSequence]:
    """The jobs of ``plan_jobs``, those of images put together to one for each folder: they are the frames of clips."""
    moving: list[Job | FrameSequence] = [job for job in jobs if is_moving(job)]
    targets = {job.source: job.target for job in jobs if not is_moving(job)}
    left_out = {source.path for source in sources} - {job.source for job in jobs}
    folders: dict[Path, list[Path]] = {}
    for source in sources:
        if source.path in targets or (source.path in left_out and not _moves(source.path)):
            folders.setdefault(source.path.parent, []).append(source.path)
    clips = [
        FrameSequence(tuple((path, targets.get(path)) for path in in_order(paths)))
        for paths in folders.values()
        if any(path in targets for path in paths)
    ]
    return moving + clips


def _moves(path: Path) -> bool:
    return is_film(path) or is_animation(path)


def restore_sequence_job(
    job: FrameSequence, tools: Tools, options: FileOptions = FileOptions(), hooks: Hooks = Hooks()
) -> Done:
    """Restore the frames of a clip, each into its file.

    Args:
        job: Which, and where to.
        tools: Networks and settings.
        options: How files are read and written.
        hooks: Told of each stage, and of what could not be kept.

    Raises:
        ImageError: One cannot be read or written, or has another size than the first.
        OptionError: There are masks, backgrounds or an upscaler, which frames of a clip cannot have.
        RestorationError: Not even one face fits into memory, or the network yields NaN or infinity.
    """
    seconds, networks = time.perf_counter(), tools.for_clips(options)
    canvas = (
        job.size() if networks.settings.blend.scale == AUTO else None
    )  # else another run's first frames would settle it
    report = restore_sequence(
        job.frames, networks, quality=options.quality, max_megapixels=options.max_megapixels, hooks=hooks, canvas=canvas
    )
    height, width = report.size
    return Done(f"{report.text()} {width}×{height}", report.size, seconds=time.perf_counter() - seconds, moving=True)

"""Where each result goes, settled and checked before any work is done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ImageError, OptionError
from ..imaging.files import WRITABLE
from ..video.files import WRITABLE_CLIPS, is_clip
from .sources import Source

_LIKE_AN_ENDING = re.compile(r"\.[A-Za-z]{2,5}")  # not a version: "results.v2" is a folder
_FACE = re.compile(r"\d\d-(before|after)\.png")


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


@dataclass(frozen=True)
class Output:
    """What results are asked for.

    Attributes:
        path: A file for one result, or a folder, as typed.
        format: Ending of the results without its dot; "" keeps the source's where it can be written, PNG otherwise.
        side_by_side: Also before/after images.
        save_faces: Also each face.
        overwrite: Files that are there already may be replaced.
        skip_existing: Sources whose result is there already are left out.
    """

    path: str
    format: str = ""
    side_by_side: bool = False
    save_faces: bool = False
    overwrite: bool = False
    skip_existing: bool = False

    def __post_init__(self) -> None:
        if self.overwrite and self.skip_existing:
            raise OptionError("--overwrite and --skip-existing exclude each other")
        if self.format and f".{self.format}" not in (*WRITABLE, *WRITABLE_CLIPS):
            raise OptionError(f"cannot write '{self.format}' files. Choose one of {_endings()}.")

    def ending(self, source: Path) -> str:
        """Of a source's result: as asked for, the source's own, or the usual one where that cannot be written."""
        taken, usual = (WRITABLE_CLIPS, ".mp4") if is_clip(source) else (WRITABLE, ".png")
        asked, own = f".{self.format}", source.suffix
        return asked if asked in taken else own if own.lower() in taken else usual


def plan_jobs(sources: Sequence[Source], output: Output) -> tuple[list[Job], int]:
    """Where each result goes: ``output.path`` itself if it is named like an image, otherwise a file in that folder.

    Two sources of one name get two names. Nothing that this run did not make is overwritten, unless that is asked for.

    Returns:
        The jobs, and how many sources were left out because their result is there.

    Raises:
        ImageError: A result would replace a source or an existing file, or cannot be written there.
    """
    jobs = _named(sources, output)
    _check_sources_stay(jobs)
    left = [job for job in jobs if not (output.skip_existing and job.target.exists())]
    if not output.overwrite:
        _check_nothing_is_there(left)
    for folder in sorted({job.target.parent for job in left}):
        _check_writable(folder)
    return left, len(jobs) - len(left)


def remove_faces(folder: Path) -> None:
    """Those that an earlier run left: it may have found more."""
    if folder.is_dir():
        for file in folder.iterdir():
            if _FACE.fullmatch(file.name):
                file.unlink()


def _named(sources: Sequence[Source], output: Output) -> list[Job]:
    path = Path(output.path)
    if _is_file(output.path):
        if path.suffix.lower() not in (*WRITABLE, *WRITABLE_CLIPS):
            raise ImageError(
                f"'{output.path}': cannot write '{path.suffix}' files. Choose one of {_endings()}"
                + ("." if path.suffix.lower() in _others() else ", or end the name of a folder with '/'.")
            )
        if len(sources) > 1:
            raise ImageError(
                f"'{output.path}' is one file, but there are {len(sources)} images. Give a folder with -o."
            )
        if is_clip(sources[0].path) != is_clip(path):
            kind, endings = ("a clip", WRITABLE_CLIPS) if is_clip(sources[0].path) else ("an image", WRITABLE)
            raise ImageError(f"'{sources[0].path}' is {kind}: name the result like one ({', '.join(endings)}).")
        return [_job(sources[0].path, path, output)]
    _check_format(sources, output)
    taken: set[Path] = set()
    return [
        _job(source.path, _free_name(path / source.below, source.path, output, taken), output) for source in sources
    ]


def _check_format(sources: Sequence[Source], output: Output) -> None:
    """Of images and clips, a format is one's or the other's: it must be of some that are there."""
    asked = f".{output.format}"
    if output.format and sources and all(output.ending(source.path) != asked for source in sources):
        missing = "an image" if is_clip(sources[0].path) else "a clip"
        raise OptionError(f"--format {output.format}: no result can be of it, since no source is {missing}.")


def _is_file(text: str) -> bool:
    """Whether a file is meant. An unknown ending is more likely mistyped than part of a folder's name."""
    path = Path(text)
    if path.is_dir() or text.endswith(("/", os.sep)):
        return False
    return (
        path.is_file()
        or path.suffix.lower() in (*WRITABLE, *WRITABLE_CLIPS)
        or bool(_LIKE_AN_ENDING.fullmatch(path.suffix))
    )


def _job(source: Path, target: Path, output: Output) -> Job:
    if is_clip(source):
        return Job(source, target)
    pair = target.with_name(f"{target.name}-side-by-side.png") if output.side_by_side else None
    return Job(source, target, pair, target.with_name(f"{target.name}-faces") if output.save_faces else None)


def _free_name(folder: Path, source: Path, output: Output, taken: set[Path]) -> Path:
    """The source's name with the result's ending; with a number where another source has it, counted in their order."""
    ending = output.ending(source)
    target, number = folder / f"{source.stem}{ending}", 1
    while _key(target) in taken:
        number += 1
        target = folder / f"{source.stem}-{number}{ending}"
    taken.add(_key(target))
    return target


def _key(path: Path) -> Path:
    """Equal where a file system that ignores case would take two names for one."""
    return Path(str(path).casefold())


def _check_sources_stay(jobs: Sequence[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    for job in jobs:
        for path in job.written:
            itself = path.is_file() and path.samefile(job.source)
            if itself or path.resolve() in sources:
                which = "the input itself" if itself else "another input"
                raise ImageError(f"'{path}' is {which}, and would be overwritten. Choose another output.")
    seen: set[Path] = set()
    for path in _all_written(jobs):
        if _key(path) in seen:
            raise ImageError(f"'{path}' would be written twice. Restore these images separately.")
        seen.add(_key(path))


def _check_nothing_is_there(jobs: Sequence[Job]) -> None:
    there = [path for path in _all_written(jobs) if path.exists()]
    if there:
        more = f" and {len(there) - 1} more are" if len(there) > 1 else " is"
        raise ImageError(
            f"'{there[0]}'{more} already there. Add --overwrite to replace what is there, or --skip-existing to go on with "
            "the images that have no result yet."
        )


def _all_written(jobs: Sequence[Job]) -> Iterator[Path]:
    return (path for job in jobs for path in job.written)


def _check_writable(folder: Path) -> None:
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not there.is_dir():
        raise ImageError(f"'{there}' is a file, not a folder: nothing can be written to '{folder}'.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ImageError(f"'{there}' may not be written to. Choose another output.")


def _others() -> tuple[str, ...]:
    from PIL import Image

    return tuple(Image.registered_extensions())


def _endings() -> str:
    return ", ".join(ending.removeprefix(".") for ending in (*WRITABLE, *WRITABLE_CLIPS))

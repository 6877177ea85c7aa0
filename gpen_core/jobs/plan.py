"""Where each result goes, settled and checked before any work is done."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from ..errors import ImageError, OptionError
from ..imaging.files import WRITABLE
from ..imaging.files.formats import FORMATS
from ..video.files import WRITABLE_CLIPS, is_clip
from .checks import check_name, check_names, check_nothing_is_there, check_sources_stay, check_writable
from .endings import ONLY_ANIMATIONS, can_become, kind_of, own_or_usual
from .job import Job, is_moving, key_of
from .places import Address, place, text_of
from .sources import Source

_LIKE_AN_ENDING = re.compile(r"\.[A-Za-z]{2,5}")  # not a version: "results.v2" is a folder
_FACE = re.compile(r"\d{2,}-(before|after)\.png")


@dataclass(frozen=True)
class Output:
    """What results are asked for.

    Attributes:
        path: A file for one result, or a folder, as typed.
        format: Ending of the results without its dot; "" keeps the source's where it can be written, PNG otherwise.
        side_by_side: Also before/after images.
        save_faces: Also each face.
        overwrite: Files that are there already may be replaced.
        skip_existing: What is there already stays, and only what is not is made.
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
        asked = f".{self.format}"
        return asked if self.format and can_become(source, asked) else own_or_usual(source)


@dataclass(frozen=True)
class Earlier:
    """What a stopped run of the same command has left.

    Attributes:
        planned: Its results, finished or not: they may be replaced.
        done: Those of them that are finished.
    """

    planned: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()


def plan_jobs(sources: Sequence[Source], output: Output, earlier: Earlier = Earlier()) -> tuple[list[Job], int]:
    """Where each result goes: ``output.path`` itself if it is named like an image, otherwise a file in that folder.

    Two sources of one name get two names. Nothing that this run did not make is overwritten, unless that is asked for.

    Args:
        sources: The images and clips.
        output: What is asked for.
        earlier: What a run that is to go on had planned and done.

    Returns:
        The jobs, and how many sources were left out because all that is asked for is there.

    Raises:
        ImageError: A result would replace a source or an existing file, or cannot be written there.
    """
    jobs = _named(sources, output)
    check_names(jobs)
    check_sources_stay(jobs)
    is_there = _looked_up(place(output.path), jobs)
    done = frozenset() if output.overwrite else earlier.done

    def left_of(job: Job) -> Job | None:
        is_done = text_of(job.target) in done and is_there(job.target)
        return _missing(job, is_there) if is_done or output.skip_existing else job

    left = [missing for job in jobs if (missing := left_of(job)) is not None]
    if not output.overwrite and not output.skip_existing:
        check_nothing_is_there([job for job in left if text_of(job.target) not in earlier.planned], is_there)
    for folder in sorted({job.target.parent for job in left}):
        check_writable(folder)
    return left, len(jobs) - len(left)


def _missing(job: Job, is_there: Callable[[Path], bool]) -> Job | None:
    """A job without what is there; None where nothing is missing."""
    has_result = is_there(job.target)
    if has_result and isinstance(job.target, Address):
        return None
    pair = None if job.pair is None or is_there(job.pair) else job.pair
    # Of a folder in a store, some faces may be there: they come one by one, before the result.
    are_there = job.faces is not None and not isinstance(job.faces, Address) and is_there(job.faces)
    faces = None if are_there else job.faces
    if has_result and ((pair is None and faces is None) or is_moving(job)):
        return None
    return replace(job, pair=pair, faces=faces, only_beside=has_result)


def names_a_file(text: str) -> bool:
    """Whether an output, as typed, is a file: an unknown ending is more likely mistyped than part of a folder's name.

    Raises ImageError for a name that is longer than file systems allow.
    """
    path = place(text)
    check_name(path, "Give a shorter one with -o.")
    if path.is_dir() or text.endswith(("/", os.sep)):
        return False
    return (
        path.is_file()
        or path.suffix.lower() in (*WRITABLE, *WRITABLE_CLIPS)
        or bool(_LIKE_AN_ENDING.fullmatch(path.suffix))
    )


def results_folder(text: str) -> Path | None:
    """The folder that an output, as typed, is; None for a file. Raises as ``names_a_file``."""
    return None if names_a_file(text) else place(text)


def remove_faces(folder: Path, new: Collection[str]) -> None:
    """Those that an earlier run left beside the new ones: it may have found more."""
    for file in folder.iterdir():
        if is_face(file.name) and file.name not in new:
            file.unlink()


def is_face(name: str) -> bool:
    """Whether a file of this name in such a folder is ours."""
    return _FACE.fullmatch(name) is not None


def _looked_up(output: Path, jobs: Sequence[Job]) -> Callable[[Path], bool]:
    """Whether a file is there; of a store, from one listing, since a question for each would take hours."""
    if not isinstance(output, Address) or not jobs:
        return lambda path: path.exists()
    folder = output.parent if jobs[0].target == output else output
    there: set[PurePath] = set()
    for name in folder.files(recursive=True) if folder.is_dir() else ():
        there |= {folder / name, (folder / name).parent}
    return there.__contains__


def _named(sources: Sequence[Source], output: Output) -> list[Job]:
    path = place(output.path)
    if names_a_file(output.path):
        if path.suffix.lower() not in (*WRITABLE, *WRITABLE_CLIPS):
            if not path.suffix:
                raise ImageError(
                    f"'{output.path}' is no folder, and has no ending that says what to write: {_endings()}."
                )
            raise ImageError(
                f"'{output.path}': cannot write '{path.suffix}' files. Choose one of {_endings()}"
                + ("." if path.suffix.lower() in _others() else ", or end the name of a folder with '/'.")
            )
        if len(sources) > 1:
            raise ImageError(
                f"'{output.path}' is one file, but there are {len(sources)} images. Give a folder with -o."
            )
        if not can_become(sources[0].path, path.suffix.lower()):
            raise ImageError(f"'{sources[0].path}' {kind_of(sources[0].path)}.")
        if output.format and _kind(output.format) != _kind(path.suffix):
            raise OptionError(
                f"--format {output.format}, but '{output.path}' is named otherwise. Leave one of them out."
            )
        return [_job(sources[0].path, path, output)]
    _check_format(sources, output)
    taken: set[str] = set()
    return [
        _job(source.path, _free_name(path / source.below, source.path, output, taken), output) for source in sources
    ]


def _kind(ending: str) -> str:
    """The same for jpg and jpeg."""
    ending = f".{ending.lower().removeprefix('.')}"
    return FORMATS.get(ending, ending)


def _check_format(sources: Sequence[Source], output: Output) -> None:
    """Of images, animations and films, a format is not everyone's: it must be of some that are there."""
    asked = f".{output.format}"
    if output.format and sources and all(output.ending(source.path) != asked for source in sources):
        missing = "a single image" if asked in WRITABLE else "an animation" if asked in ONLY_ANIMATIONS else "a clip"
        raise OptionError(f"--format {output.format}: no result can be of it, since no source is {missing}.")


def _job(source: Path, target: Path, output: Output) -> Job:
    if is_clip(source) and is_moving(Job(source, target)):
        return Job(source, target)
    pair = target.with_name(f"{target.name}-side-by-side.png") if output.side_by_side else None
    return Job(source, target, pair, target.with_name(f"{target.name}-faces") if output.save_faces else None)


def _free_name(folder: Path, source: Path, output: Output, taken: set[str]) -> Path:
    """The source's name with the result's ending; with a number where another source has it, counted in their order."""
    ending = output.ending(source)
    target, number = folder / f"{source.stem}{ending}", 1
    while key_of(target) in taken:
        number += 1
        target = folder / f"{source.stem}-{number}{ending}"
    taken.add(key_of(target))
    return target


def _others() -> tuple[str, ...]:
    from PIL import Image

    return tuple(Image.registered_extensions())


def _endings() -> str:
    return ", ".join(ending.removeprefix(".") for ending in (*WRITABLE, *WRITABLE_CLIPS))

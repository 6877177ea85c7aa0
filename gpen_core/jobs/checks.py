"""Nothing is overwritten by accident: what is checked before any work is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePath

from ..errors import ImageError
from ..files import may_write
from .job import Job, key_of
from .places import Address

_LONGEST_NAME = 255  # bytes, or on Windows UTF-16's units, of almost all file systems


def check_sources_stay(jobs: Sequence[Job]) -> None:
    """Raise ImageError where a result would replace a source, or another result."""
    sources = {_settled(job.source) for job in jobs}
    for job in jobs:
        for path in job.written:
            itself = _is_same(path, job.source)
            if itself or _settled(path) in sources:
                which = "the input itself" if itself else "another input"
                raise ImageError(f"'{path}' is {which}, and would be overwritten. Choose another output.")
    seen: set[str] = set()
    for path in _all_written(jobs):
        if key_of(path) in seen:
            raise ImageError(f"'{path}' would be written twice. Restore these images separately.")
        seen.add(key_of(path))


def _settled(path: Path) -> PurePath:
    return path if isinstance(path, Address) else path.resolve()


def _is_same(path: Path, source: Path) -> bool:
    """Links and names in another case may be the same file."""
    if isinstance(path, Address) or isinstance(source, Address):
        return path == source
    return path.is_file() and path.samefile(source)


def check_nothing_is_there(jobs: Sequence[Job], is_there: Callable[[Path], bool]) -> None:
    """Raise ImageError where a result would replace a file that is there."""
    there = [path for path in _all_written(jobs) if is_there(path)]
    if there:
        more = f" and {len(there) - 1} more are" if len(there) > 1 else " is"
        raise ImageError(
            f"'{there[0]}'{more} already there. Add --overwrite to replace what is there, or --skip-existing to make "
            "only what is not there yet."
        )


def _all_written(jobs: Sequence[Job]) -> Iterator[Path]:
    return (path for job in jobs for path in job.written)


def check_names(jobs: Sequence[Job]) -> None:
    """Raise ImageError for a name that is longer than file systems allow, such as one with what is added to it."""
    for path in _all_written(jobs):
        check_name(path, "Rename the input, or name the result with -o.")


def check_name(path: Path, advice: str) -> None:
    """Raise ImageError, which ends with ``advice``, where a part of a path is longer than file systems allow.

    To be asked first: whether such a path is there, a system answers with an error of its own.
    """
    if (name := _too_long(path)) is not None:
        raise ImageError(f"'{name[:40]}…{name[-24:]}' is longer than a file's name can be. {advice}")


def can_be_there(path: Path) -> bool:
    """Whether a file system may have a file of this path."""
    return _too_long(path) is None


def _too_long(path: Path) -> str | None:
    parts = () if isinstance(path, Address) else path.parts
    return next((part for part in parts if _length(part) > _LONGEST_NAME), None)


def _length(name: str) -> int:
    return len(name.encode("utf-16-le", "surrogatepass")) // 2 if os.name == "nt" else len(os.fsencode(name))


def check_writable(folder: Path) -> None:
    """Raise ImageError where nothing can be written to a folder."""
    if isinstance(folder, Address):
        return  # only a store itself knows, when something is put there
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not there.is_dir():
        raise ImageError(f"'{there}' is a file, not a folder: nothing can be written to '{folder}'.")
    if not may_write(there):
        raise ImageError(f"'{there}' may not be written to. Choose another output.")

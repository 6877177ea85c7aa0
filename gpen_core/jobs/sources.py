"""Which images to read: files, folders and patterns, as they were typed."""

from __future__ import annotations

import fnmatch
import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import cast

from ..errors import ImageError
from ..imaging.files import IMAGE_EXTENSIONS
from ..video.files import CLIP_EXTENSIONS, is_clip
from .checks import can_be_there, check_name
from .places import Address, place

# Folders in which other systems keep companions of the pictures beside them.
_COMPANIONS = (
    "__MACOSX",
    "@eaDir", "#recycle", "#snapshot",  # Synology's
    "@Recycle", "@Recently-Snapshot",  # QNAP's
    "$RECYCLE.BIN", "System Volume Information", "lost+found",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """An image to restore.

    Attributes:
        path: The file.
        below: Its place below the folder that was given, without its name: results keep it.
    """

    path: Path
    below: Path = Path()


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        sources: The images, each once, in the order given.
        missing: Inputs that match nothing: a typo must neither look like a finished job nor stop the others.
        passed_over: Sub-folders with images that were not looked into, by the folder that was given.
        results: How many images lie in ``output``, and are no sources.
    """

    sources: tuple[Source, ...]
    missing: tuple[str, ...]
    passed_over: tuple[tuple[str, int], ...] = ()
    results: int = 0


def find_pictures(inputs: Sequence[str], *, recursive: bool = False, output: Path | None = None) -> Found:
    """Expand files, folders and glob patterns. Hidden files, and what other systems put beside pictures, are left out.

    Args:
        inputs: As typed, also addresses such as s3://bucket/folder. What exists under exactly that name is no pattern.
        recursive: Look into folders within folders.
        output: The folder that results go to: where it lies within one that is searched, be it by a pattern, what is in it
            is no source.

    Raises:
        ImageError: No input matches an image.
    """
    sources: dict[Path, Source] = {}
    folders: dict[Path, Path] = {}
    missing, passed_over, results = [], [], set()
    for text in inputs:
        path = _expanded(text)
        if not can_be_there(path):
            missing.append(text)
            continue
        searched = _searched(path)
        within = None if output is None else _within(searched, output)
        every = list(_sources(path, recursive))
        apart = None if within is None else PurePath(searched) / within
        found = [source for source in every if apart is None or not PurePath(source.path).is_relative_to(apart)]
        results |= {source.path for source in every} - {source.path for source in found}
        for source in found:
            sources.setdefault(_one_name(source.path, folders), source)
        skipped = (
            0 if recursive or isinstance(path, Address) or not path.is_dir() else _folders_with_pictures(path, within)
        )
        if skipped:
            passed_over.append((text, skipped))
        if not found:
            missing.append(text)
    if not sources:
        for text in missing:
            check_name(place(text), "Give the name of an image, a folder or a pattern.")
        raise ImageError(_nothing(missing, passed_over))
    every_source = {source.path for source in sources.values()}
    return Found(tuple(sources.values()), tuple(missing), tuple(passed_over), len(results - every_source))


def _one_name(path: Path, folders: dict[Path, Path]) -> Path:
    """The same for a/b.png, ./x/../a/b.png and /…/a/b.png; ``folders``: those that have been looked up."""
    if isinstance(path, Address):
        return path
    if path.parent not in folders:
        folders[path.parent] = path.parent.resolve()
    return folders[path.parent] / path.name


def _searched(path: Path) -> Path:
    """The folder that is searched: of a pattern, what comes before its first part."""
    if isinstance(path, Address):
        pattern = _first_of_pattern(path)
        return path if pattern is None else cast(Path, Address(*path.parts[:pattern]))
    return path if path.exists() else _before_pattern(path)


def _first_of_pattern(address: Address) -> int | None:
    return next((number for number, part in enumerate(address.parts) if glob.has_magic(part)), None)


def _before_pattern(path: Path) -> Path:
    return next((parent for parent in path.parents if parent.is_dir()), Path())


def _within(folder: Path, output: Path) -> Path | None:
    """Where ``output`` lies below a folder; None where it does not, or is the folder itself."""
    if isinstance(folder, Address) or isinstance(output, Address):
        inner, outer = PurePath(output), PurePath(folder)
    elif folder.is_dir():
        inner, outer = output.resolve(), folder.resolve()
    else:
        return None
    return Path(inner.relative_to(outer)) if inner.is_relative_to(outer) and inner != outer else None


def _nothing(missing: Sequence[str], passed_over: Sequence[tuple[str, int]]) -> str:
    names = ", ".join(f"'{text}'" for text in missing)
    if passed_over:
        return f"{names}: no image directly in this folder, but in folders below it. Add --recursive to restore those."
    supported = dict.fromkeys((*IMAGE_EXTENSIONS, *CLIP_EXTENSIONS))
    return f"{names}: no image found, and no clip. Supported: {', '.join(supported)}."


def _expanded(text: str) -> Path:
    """With the home folder for ``~``, where there is one."""
    path = place(text)
    if not text.startswith("~") or not can_be_there(path) or path.exists():
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # no such user, or nobody's home is known
        return path


def _sources(path: Path, recursive: bool) -> Iterator[Source]:
    if isinstance(path, Address):
        yield from _sources_at(path, recursive)
    elif path.is_file():
        yield Source(path)
    elif path.is_dir():
        for file in _files_in(path, recursive):
            yield Source(file, file.parent.relative_to(path))
    else:
        matches = map(Path, glob.glob(_pattern(path), recursive=True))  # noqa: PTH207 - patterns may be absolute
        named = {part for part in path.parts if part in _COMPANIONS}
        left_out = set(_COMPANIONS) - named
        yield from (Source(file) for file in sorted(matches) if _is_picture(file) and left_out.isdisjoint(file.parts))


def _sources_at(address: Address, recursive: bool) -> Iterator[Source]:
    """In the order that folders of this machine have, from one listing: what a store answers a thousand names at a time."""
    if address.is_file():
        yield Source(cast(Path, address))
        return
    pattern = _first_of_pattern(address)
    folder = address if pattern is None else Address(*address.parts[:pattern])
    found = folder.files(recursive=recursive or (pattern is not None and len(address.parts) - pattern > 1))
    matching = (name for name in found if _is_meant(name, None if pattern is None else address.parts[pattern:]))
    for name in sorted(matching, key=_rank):
        yield Source(cast(Path, folder / name), Path() if pattern is not None else Path(name.parent))


def _is_meant(name: PurePosixPath, pattern: tuple[str, ...] | None) -> bool:
    """A picture that is neither hidden nor a companion, and fits the pattern, if there is one, part by part."""
    if any(part.startswith(".") or part in _COMPANIONS for part in name.parts) or not _is_named_like_one(name):
        return False
    return pattern is None or (len(pattern) == len(name.parts) and all(map(fnmatch.fnmatchcase, name.parts, pattern)))


def _rank(name: PurePosixPath) -> tuple[tuple[int, str], ...]:
    """First the files of a folder, by name; then its folders."""
    return (*((1, part) for part in name.parts[:-1]), (0, name.name))


def _pattern(path: Path) -> str:
    """What is there under exactly its name is no pattern: brackets in a folder's name are only characters."""
    there = _before_pattern(path)
    return str(Path(glob.escape(str(there))) / path.relative_to(there))


def _files_in(folder: Path, recursive: bool) -> Iterator[Path]:
    """First those of the folder itself, by name; then those of each folder in it."""
    entries = sorted(folder.iterdir())
    yield from (entry for entry in entries if _is_picture(entry))
    if recursive:
        for entry in entries:
            if _is_searched(entry):
                yield from _files_in(entry, recursive)


def _folders_with_pictures(folder: Path, within: Path | None) -> int:
    """``within``: a folder below it that does not count."""
    apart = None if within is None else folder / within
    searched = (entry for entry in folder.iterdir() if _is_searched(entry))
    return sum(
        any(apart is None or not file.is_relative_to(apart) for file in _files_in(entry, True)) for entry in searched
    )


def _is_searched(entry: Path) -> bool:
    """A link to a folder is not followed: it may lead back."""
    return entry.is_dir() and not entry.is_symlink() and not _is_hidden(entry) and entry.name not in _COMPANIONS


def _is_picture(file: Path) -> bool:
    return _is_named_like_one(file) and not _is_hidden(file) and file.is_file()


def _is_named_like_one(file: PurePath) -> bool:
    return file.suffix.lower() in IMAGE_EXTENSIONS or is_clip(file)


def _is_hidden(entry: Path) -> bool:
    return entry.name.startswith(".")  # "._photo.jpg", too: macOS's companion of photo.jpg

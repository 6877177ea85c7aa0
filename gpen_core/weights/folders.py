"""What lies in a folder of weights. One that cannot be read is an error: to take it for empty would look like a lost model."""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath

from ..errors import MissingWeightsError
from .catalog import MODEL_EXTENSIONS

_DEEPEST = 3  # folders within the folder; links may lead in circles


def files_in(folder: Path) -> list[Path]:
    """Its files, sorted by name; none where there is no such folder. Raises MissingWeightsError where it cannot be read."""
    return _entries(folder)[0]


def weight_files_in(folder: Path) -> list[Path]:
    """Its files of weights and those of the folders in it, its own first. Raises MissingWeightsError as ``files_in``."""
    found, level = list[Path](), [_entries(folder)]
    for _ in range(_DEEPEST + 1):
        found += [file for files, _ in level for file in files if file.suffix.lower() in MODEL_EXTENSIONS]
        level = [_entries(inner) for _, folders in level for inner in folders if unreadable(inner) is None]
    return found


def same_file_in(folder: Path, name: str) -> Path | None:
    """The file at the relative path ``name``, in any case and with either kind of slash; None where there is none.

    Nothing outside of the folder is found: of an absolute name, or one that goes up, only the last part counts.
    """
    path = PureWindowsPath(name)
    parts = path.parts[len(path.anchor) > 0 :]
    if path.anchor or ".." in parts:
        parts = parts[-1:]
    place = folder
    for number, part in enumerate(parts):
        files, folders = _entries(place)
        inside = files if number == len(parts) - 1 else folders
        named = [found for found in inside if found.name.lower() == part.lower()]
        exact = [found for found in named if found.name == part]
        if not named:
            return None
        place = (exact or named)[0]
    return place if parts else None


def unreadable(folder: Path) -> str | None:
    """Why the folder cannot be read, in a few words; None where it can be, or is not there."""
    try:
        _entries(folder)
    except MissingWeightsError as error:
        return str(error)
    return None


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files and folders in it, each sorted."""
    try:
        with os.scandir(folder) as entries:
            known = sorted((Path(entry.path), *_kind(entry)) for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MissingWeightsError(f"the folder {folder} cannot be read ({reason}): check its permissions") from error
    return [path for path, is_file, _ in known if is_file], [path for path, _, is_folder in known if is_folder]


def _kind(entry: os.DirEntry[str]) -> tuple[bool, bool]:
    """Whether it is a file, and a folder; a link that leads nowhere is neither."""
    try:
        return entry.is_file(), entry.is_dir()
    except OSError:
        return False, False

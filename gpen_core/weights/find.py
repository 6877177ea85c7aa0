"""Locate weight files on this machine, and explain how to get missing ones."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..commands import gpen
from ..errors import MissingWeightsError, one_line
from .catalog import (
    BUNDLED,
    EXTENSIONS,
    INCLUDED,
    MODEL_EXTENSIONS,
    WeightFile,
    entry_named,
    included_named,
    last_name,
    published_named,
    published_of,
)
from .folders import same_file_in, unreadable, weight_files_in

FOLDERS_VARIABLE = "GPEN_MODELS"
ASSETS = Path(__file__).resolve().parents[1] / "assets"  # files shipped with the package
_LONGEST_NAME = 120  # characters of what somebody typed, or a workflow from elsewhere names
_PROJECT = Path(__file__).resolve().parents[2]  # where ``python -m gpen_core`` works
# Used when no model is named: the published default first; 2048 is for very large faces and takes 3× as long.
DEFAULT_ORDER = ("GPEN-BFR-512", "GPEN-BFR-1024", "GPEN-BFR-2048", "GPEN-BFR-256")


def weight_folders() -> tuple[Path, ...]:
    """The folders in the environment variable GPEN_MODELS (separated as in PATH), or ``~/.cache/gpen``."""
    named = os.environ.get(FOLDERS_VARIABLE, "")
    folders = tuple(Path(part).expanduser() for part in named.split(os.pathsep) if part)
    return folders or (Path.home() / ".cache" / "gpen",)


def find_weights(entry: WeightFile, folders: Iterable[Path]) -> Path | None:
    """Find a catalog entry's file, under any of its names.

    Args:
        entry: What to look for.
        folders: Searched in order, with what is in them; names are compared without case, .safetensors files are preferred,
            and ONNX graphs (of GPEN models only) come last.

    Returns:
        The path in the first folder that has the file, or None.

    Raises:
        MissingWeightsError: A folder that was to be searched cannot be read.
    """
    for folder in folders:
        files = weight_files_in(folder)
        for extension in MODEL_EXTENSIONS if entry.kind == "gpen" else EXTENSIONS:
            found = (file for file in files if file.suffix.lower() == extension and published_named(file.name) is entry)
            if (path := next(found, None)) is not None:
                return path
    return None


def find_first(entries: Iterable[WeightFile], folders: Sequence[Path]) -> Path | None:
    """The file of the first of several catalog entries that is present, or None; see ``find_weights``."""
    return next((path for entry in entries if (path := find_weights(entry, folders)) is not None), None)


def find_file(name: str, folders: Iterable[Path]) -> Path | None:
    """The file of this name, in any case, in the first folder that has it, or None: files of weights in folders within, too.

    Raises MissingWeightsError as above.
    """
    wanted = last_name(name)
    for folder in folders:
        if (path := same_file_in(folder, wanted)) is not None:
            return path
        same = (file for file in weight_files_in(folder) if file.name.lower() == wanted.lower())
        if (path := next(same, None)) is not None:
            return path
    return None


def find_named(name: str | Path, folders: Sequence[Path]) -> Path | None:
    """The file of weights that somebody calls ``name``; None where there is none.

    Args:
        name: A path, a path within ``folders``, or a file's name with or without its extension: in any case, with either kind
            of slash; or any name of a published file.
        folders: Searched in order. What is found is always within one of them, unless ``name`` is a file's path by itself.

    Raises:
        MissingWeightsError: A folder that was to be searched cannot be read.
    """
    for path in (_expanded(name), _expanded(str(name).replace("\\", "/"))):
        if _is_file(path):
            return path
    return find_within(str(name), folders)


def find_within(name: str, folders: Sequence[Path]) -> Path | None:
    """``find_named`` in ``folders`` alone, for names that others write, as in a workflow."""
    for folder in folders:
        if (path := same_file_in(folder, name)) is not None:
            return path
    last = last_name(name).lower()
    for folder in folders:
        files = weight_files_in(folder)
        named = [file for file in files if file.name.lower() == last]
        same = sorted((file for file in files if file.stem.lower() == last), key=_preference)
        if named or same:
            return (named or same)[0]
    entry = published_named(name)
    return None if entry is None else find_weights(entry, folders)


def bundled_file(entry: WeightFile = BUNDLED) -> Path:
    """Path of a model of this package, one of ``INCLUDED``.

    Raises:
        MissingWeightsError: The file has been removed from the package.
    """
    path = ASSETS / entry.filename
    if not path.is_file():
        raise MissingWeightsError(
            f"{path} is part of this package but missing. Reinstall the package, or install a better model: "
            f"{_download_command(_by_preference()[0])}"
        )
    return path


def is_bundled(path: Path) -> bool:
    """Whether ``path`` is a model of this package."""
    return path in [ASSETS / entry.filename for entry in INCLUDED]


def bundled_notice(folders: Sequence[Path] | None = None) -> str:
    """A notice for users of the bundled model; with ``folders``, it says where to put a better one."""
    best = _by_preference()[0]
    command = _download_command(best) if folders is None else _download_into(best, folders)
    return (
        f"using the small bundled model. For best quality, download {best.name} ({command}). License: {best.license}."
    )


def resolve_model(name_or_path: str | Path | None, folders: Sequence[Path]) -> Path:
    """Find a GPEN checkpoint.

    Args:
        name_or_path: As for ``find_named``. None selects the best installed model, or the bundled one if no other is
            installed (see ``is_bundled``).
        folders: The folders to search, in order.

    Returns:
        The checkpoint's path.

    Raises:
        MissingWeightsError: No such model. The message names the file, the folders, the URL and the license.
    """
    if name_or_path is None:
        found = (find_weights(entry, folders) for entry in _by_preference())
        return next((path for path in found if path is not None), None) or bundled_file()
    name = str(name_or_path)
    included = included_named(name.lower())
    if included is not None and not _is_file(_expanded(name)):
        return bundled_file(included)
    if (path := find_named(name, folders)) is not None:
        return path
    entry = entry_named(name)
    if entry in INCLUDED:
        return bundled_file(entry)
    if entry is None or entry.kind != "gpen":
        known = ", ".join(file.name for file in published_of("gpen"))
        raise MissingWeightsError(
            f"'{one_line(name, _LONGEST_NAME)}' is neither a file nor a known GPEN model. Published: {known}. "
            f"Bundled: {', '.join(file.name for file in INCLUDED)}."
        )
    raise MissingWeightsError(missing_message(entry, folders))


def missing_message(entry: WeightFile, folders: Sequence[Path]) -> str:
    """Explain a missing file: where it belongs, where to get it, and its license."""
    from ..tasks import TASKS

    where = ", ".join(str(folder) for folder in folders) or "no folders given"
    lines = [
        f"{entry.filename} is not installed. Searched: {where}.",
        *(f"{reason}." for folder in folders if (reason := unreadable(folder)) is not None),
        f"Download: {_download_into(entry, folders)}",
        f"or save {entry.urls[0]} there as {entry.filename}.",
        f"License: {entry.license}." + (f" sha256: {entry.sha256}." if entry.sha256 else ""),
    ]
    if entry.kind == "gpen" and TASKS[entry.task].keeps_colors:  # the bundled model has the same task
        lines.append(f"Until then you can use the small bundled model: choose '{BUNDLED.name}'.")
    return "\n".join(lines)


def _download_command(entry: WeightFile) -> str:
    return gpen(f"download {entry.name}")


def _download_into(entry: WeightFile, folders: Sequence[Path]) -> str:
    """The download command for users with another working directory and their own folders, such as ComfyUI's."""
    into = f' -o "{folders[0]}"' if folders else ""
    return f'in "{_PROJECT}": {_download_command(entry)}{into}'


def _by_preference() -> list[WeightFile]:
    return [entry for name in DEFAULT_ORDER if (entry := published_named(name)) is not None]


def _is_file(path: Path) -> bool:
    """What is no regular file either, such as a FIFO, counts as one: it is refused by its name where it is read."""
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # a name that is too long, or holds a NUL
        return False


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # '~' of an unknown user
        return Path(path)


def _preference(file: Path) -> int:
    return MODEL_EXTENSIONS.index(file.suffix.lower())

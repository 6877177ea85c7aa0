"""Where weights lie on this machine, and what to say when they don't."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import MissingWeightsError
from .catalog import WeightFile, published_named, published_of

FOLDERS_VARIABLE = "GPEN_MODELS"
_PROJECT = Path(__file__).resolve().parents[2]  # where ``python -m gpen_core`` finds us
EXTENSIONS = (".safetensors", ".pth", ".pt")  # in the order of preference
# What is taken when nobody chose: the published default first; 2048 is for faces of that size and costs 3× the time.
DEFAULT_ORDER = ("GPEN-BFR-512", "GPEN-BFR-1024", "GPEN-BFR-2048", "GPEN-BFR-256")


def weight_folders() -> tuple[Path, ...]:
    """The folders in the environment variable GPEN_MODELS (separated as in PATH), else ``~/.cache/gpen``."""
    named = os.environ.get(FOLDERS_VARIABLE, "")
    folders = tuple(Path(part).expanduser() for part in named.split(os.pathsep) if part)
    return folders or (Path.home() / ".cache" / "gpen",)


def find_weights(entry: WeightFile, folders: Iterable[Path]) -> Path | None:
    """The file of a catalogue entry in the first folder that has it, whatever its case; converted files first."""
    for folder in folders:
        files = _weight_files(folder)
        for extension in EXTENSIONS:
            found = (file for file in files if file.suffix.lower() == extension and published_named(file.name) is entry)
            if (path := next(found, None)) is not None:
                return path
    return None


def resolve_model(name_or_path: str | Path | None, folders: Sequence[Path]) -> Path:
    """A GPEN checkpoint from a path, a catalogue name, a file name in ``folders``, or nothing: the best one present.

    Raises MissingWeightsError naming the file, the folders, the address and the licence.
    """
    if name_or_path is None:
        return _best_present(folders)
    if (path := _expanded(name_or_path)).is_file():
        return path
    name = str(name_or_path)
    for file in (file for folder in folders for file in _weight_files(folder)):
        if name.lower() in (file.name.lower(), file.stem.lower()):
            return file
    entry = published_named(name)
    if entry is None or entry.kind != "gpen":
        known = ", ".join(file.name for file in published_of("gpen"))
        raise MissingWeightsError(f"'{name}' is neither a file nor a published GPEN model. Published: {known}.")
    if (found := find_weights(entry, folders)) is not None:
        return found
    raise MissingWeightsError(missing_message(entry, folders))


def missing_message(entry: WeightFile, folders: Sequence[Path]) -> str:
    """What is missing, where it belongs, where it comes from, under which licence, and what only looks like it."""
    where = " or ".join(str(folder) for folder in folders) or "no folder: none was given"
    lines = [
        f"{entry.filename} is not on this machine. Looked in: {where}.",
        f"Download: {_download_command(entry, folders)}",
        f"or save {entry.urls[0]} there as {entry.filename}.",
        f"Licence: {entry.licence}." + (f" sha256: {entry.sha256}." if entry.sha256 else ""),
    ]
    if (onnx := _onnx_twin(entry, folders)) is not None:
        lines.insert(1, f"{onnx.name} is there, but it is an ONNX graph, not a PyTorch checkpoint.")
    return "\n".join(lines)


def _download_command(entry: WeightFile, folders: Sequence[Path]) -> str:
    into = f' -o "{folders[0]}"' if folders else ""
    return f'in "{_PROJECT}": python -m gpen_core download {entry.name}{into}'


def _best_present(folders: Sequence[Path]) -> Path:
    entries = [entry for name in DEFAULT_ORDER if (entry := published_named(name)) is not None]
    for entry in entries:
        if (path := find_weights(entry, folders)) is not None:
            return path
    raise MissingWeightsError(f"No GPEN model is installed. {missing_message(entries[0], folders)}")


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # '~' of a user who doesn't exist
        return Path(path)


def _weight_files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix.lower() in EXTENSIONS and file.is_file())
    except OSError:  # absent, or not ours to read: the same to somebody who looks for weights
        return []


def _onnx_twin(entry: WeightFile, folders: Sequence[Path]) -> Path | None:
    candidates = (file for folder in folders if folder.is_dir() for file in folder.glob("*.onnx"))
    return next((file for file in candidates if file.stem.lower() == entry.name.lower()), None)

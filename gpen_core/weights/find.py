"""Where weights lie on this machine, and what to say when they don't."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import MissingWeightsError
from ..tasks import TASKS
from .catalog import BUNDLED, WeightFile, entry_named, published_named, published_of

FOLDERS_VARIABLE = "GPEN_MODELS"
ASSETS = Path(__file__).resolve().parents[1] / "assets"  # what the package brings along
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


def find_file(name: str, folders: Iterable[Path]) -> Path | None:
    """The file of exactly this name in the first folder that has it."""
    return next((path for folder in folders if (path := folder / Path(name).name).is_file()), None)


def bundled_file() -> Path:
    """The small model that comes with this package. Raises MissingWeightsError where somebody has taken it out."""
    path = ASSETS / BUNDLED.filename
    if not path.is_file():
        raise MissingWeightsError(
            f"{path}, which belongs to this package, is not there. Install the package anew, or a better model: "
            f"{_download_command(_by_preference()[0])}"
        )
    return path


def is_bundled(path: Path) -> bool:
    """Whether what was found is the small model that comes with this package, for best or for want of another."""
    return path == ASSETS / BUNDLED.filename


def bundled_notice(folders: Sequence[Path] | None = None) -> str:
    """What somebody should know who gets the bundled model; with ``folders``, also where a better one belongs."""
    best = _by_preference()[0]
    command = _download_command(best) if folders is None else _download_into(best, folders)
    return f"bundled small model; for best quality download {best.name} ({command}). Its licence: {best.licence}."


def resolve_model(name_or_path: str | Path | None, folders: Sequence[Path]) -> Path:
    """A GPEN checkpoint from a path, a catalogue name, a file name in ``folders``, or nothing: the best one present, which
    is the bundled one where there is no other (see ``is_bundled``).

    Raises MissingWeightsError naming the file, the folders, the address and the licence.
    """
    if name_or_path is None:
        return _best_present(folders)
    if (path := _expanded(name_or_path)).is_file():
        return path
    name = str(name_or_path)
    if name.lower() == BUNDLED.name:
        return bundled_file()
    for file in (file for folder in folders for file in _weight_files(folder)):
        if name.lower() in (file.name.lower(), file.stem.lower()):
            return file
    entry = entry_named(name)
    if entry is BUNDLED:
        return bundled_file()
    if entry is None or entry.kind != "gpen":
        known = ", ".join(file.name for file in published_of("gpen"))
        raise MissingWeightsError(
            f"'{name}' is neither a file nor a known GPEN model. Published: {known}; with this package: {BUNDLED.name}."
        )
    if (found := find_weights(entry, folders)) is not None:
        return found
    raise MissingWeightsError(missing_message(entry, folders))


def missing_message(entry: WeightFile, folders: Sequence[Path]) -> str:
    """What is missing, where it belongs, where it comes from, under which licence, and what only looks like it."""
    where = " or ".join(str(folder) for folder in folders) or "no folder: none was given"
    lines = [
        f"{entry.filename} is not on this machine. Looked in: {where}.",
        f"Download: {_download_into(entry, folders)}",
        f"or save {entry.urls[0]} there as {entry.filename}.",
        f"Licence: {entry.licence}." + (f" sha256: {entry.sha256}." if entry.sha256 else ""),
    ]
    if entry.kind == "gpen" and TASKS[entry.task].keeps_colors:  # the bundled model does the same, if less well
        lines.append(f"Until then, the small model that comes with this package will do: choose '{BUNDLED.name}'.")
    if (onnx := _onnx_twin(entry, folders)) is not None:
        lines.insert(1, f"{onnx.name} is there, but it is an ONNX graph, not a PyTorch checkpoint.")
    return "\n".join(lines)


def _download_command(entry: WeightFile) -> str:
    return f"python -m gpen_core download {entry.name}"


def _download_into(entry: WeightFile, folders: Sequence[Path]) -> str:
    """For somebody who is elsewhere, such as in ComfyUI, and has folders of their own."""
    into = f' -o "{folders[0]}"' if folders else ""
    return f'in "{_PROJECT}": {_download_command(entry)}{into}'


def _by_preference() -> list[WeightFile]:
    return [entry for name in DEFAULT_ORDER if (entry := published_named(name)) is not None]


def _best_present(folders: Sequence[Path]) -> Path:
    found = (find_weights(entry, folders) for entry in _by_preference())
    return next((path for path in found if path is not None), None) or bundled_file()


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

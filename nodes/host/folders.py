"""ComfyUI's model folders. Ours are added; existing paths are never replaced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths
from comfy import model_management

from ...gpen_core.errors import MissingWeightsError
from ...gpen_core.weights.catalog import BUNDLED, WeightFile, entry_named, published_named, published_of
from ...gpen_core.weights.find import (
    DEFAULT_ORDER,
    EXTENSIONS,
    bundled_file,
    bundled_notice,
    find_within,
    is_bundled,
    missing_message,
)

if TYPE_CHECKING:
    from ...gpen_core.pipeline import ProtectOptions, ProtectTools

MODELS = "facerestore_models"  # used by the other face restoration packs too, so their users find their files here
DETECTION = "facedetection"
CORE_DETECTION = "detection"  # ComfyUI's own


def register() -> None:
    """Register both folders under ``models/``, besides any paths set in extra_model_paths.yaml."""
    for name in (MODELS, DETECTION):
        known = name in folder_paths.folder_names_and_paths
        folder_paths.add_model_folder_path(name, str(Path(folder_paths.models_dir) / name))
        if not known:  # a new name starts with no extensions, which would list every file
            folder_paths.folder_names_and_paths[name][1].update(EXTENSIONS)


def model_names() -> list[str]:
    """Installed published models, the bundled model, other files in the folder, then published models to download.

    The first is the default and must work right away: other files there may belong to other packs and not be GPEN models.
    """
    present = _weight_files(MODELS)
    there = {name: entry for name in present if (entry := published_named(name)) is not None}
    best = [name for name in present if name in there and there[name].name in DEFAULT_ORDER]
    others = [name for name in present if name not in best]
    absent = [entry for entry in published_of("gpen") if entry not in there.values()]
    best.sort(key=lambda name: (_preference(there[name]), name.lower()))
    others.sort(key=lambda name: ("gpen" not in name.lower(), name.lower()))
    absent.sort(key=lambda entry: (_preference(entry), entry.filename.lower()))
    return [*best, BUNDLED.name, *others, *(entry.filename for entry in absent)]


def _preference(entry: WeightFile) -> int:
    return DEFAULT_ORDER.index(entry.name) if entry.name in DEFAULT_ORDER else len(DEFAULT_ORDER)


def model_path(name: str) -> Path:
    """Path of a model chosen in the list. Raises MissingWeightsError with file, folders, URL and license."""
    if name == BUNDLED.name:
        return bundled_file()
    path = folder_paths.get_full_path(MODELS, name)
    if path is not None:
        return Path(path)
    entry = entry_named(name)
    if entry is BUNDLED:
        return bundled_file()
    folders = weight_folders(MODELS)
    if (found := find_within(name, folders)) is not None:
        return found
    if entry is None:
        where = ", ".join(map(str, folders))
        raise MissingWeightsError(f"{name} is not installed. Searched: {where}. Put the file there and try again.")
    raise MissingWeightsError(missing_message(entry, folders))


def model_notice(path: Path) -> str | None:
    """A notice for users of this model, or None."""
    return bundled_notice(weight_folders(MODELS)) if is_bundled(path) else None


def parser_path(name: str) -> Path:
    """Path of the face parser's weights. Raises MissingWeightsError."""
    path = folder_paths.get_full_path(DETECTION, name)
    if path is not None:
        return Path(path)
    folders = weight_folders(DETECTION)
    if (found := find_within(name, folders)) is not None:  # workflows come from other machines
        return found
    known = published_of("parser")
    entry = next((entry for entry in known if published_named(name) is entry), known[0])
    raise MissingWeightsError(missing_message(entry, folders))


def parser_names() -> list[str]:
    """The published parsers' files, those that are installed first, then the other files in the folder."""
    names = _weight_files(DETECTION)
    known = sorted((entry.filename for entry in published_of("parser")), key=lambda name: name not in names)
    return known + [name for name in names if name not in known and "detection" not in name.lower()]


def detector_folders() -> tuple[Path, ...]:
    """Folders that may hold RetinaFace weights."""
    return (*weight_folders(DETECTION), *weight_folders(CORE_DETECTION), *weight_folders(MODELS))


def protect_tools(options: ProtectOptions) -> ProtectTools:
    """The networks that protecting uses; ArcFace may lie in any of our folders."""
    from ...gpen_core.pipeline import load_protect_tools

    return load_protect_tools(options, detector_folders(), device=model_management.intermediate_device())


def weight_folders(name: str) -> tuple[Path, ...]:
    """All folders registered under ``name``; empty if ComfyUI doesn't know it."""
    if name not in folder_paths.folder_names_and_paths:
        return ()
    return tuple(Path(path) for path in folder_paths.get_folder_paths(name))


def fingerprint(path: Path) -> str:
    """A value that changes when the file does, so that ComfyUI doesn't reuse a stale model."""
    status = path.stat()
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


def _weight_files(name: str) -> list[str]:
    """ComfyUI's cached file list; empty if the folder is gone, since listing choices must never fail."""
    try:
        return [file for file in folder_paths.get_filename_list(name) if file.lower().endswith(EXTENSIONS)]
    except (FileNotFoundError, KeyError):
        return []

"""Where ComfyUI keeps weights. Folders are added to what is there; nobody's paths are replaced."""

from __future__ import annotations

from pathlib import Path

import folder_paths

from ...gpen_core.errors import MissingWeightsError
from ...gpen_core.weights.catalog import BUNDLED, WeightFile, entry_named, published_named, published_of
from ...gpen_core.weights.find import (
    DEFAULT_ORDER,
    EXTENSIONS,
    bundled_file,
    bundled_notice,
    is_bundled,
    missing_message,
)

MODELS = "facerestore_models"  # used by the other face restoration packs too, so their users find their files here
DETECTION = "facedetection"
CORE_DETECTION = "detection"  # ComfyUI's own


def register() -> None:
    """Make both folders known, under ``models/`` and wherever extra_model_paths.yaml has put them already."""
    for name in (MODELS, DETECTION):
        known = name in folder_paths.folder_names_and_paths
        folder_paths.add_model_folder_path(name, str(Path(folder_paths.models_dir) / name))
        if not known:  # a new name starts with an empty set of extensions, which lets every file through
            folder_paths.folder_names_and_paths[name][1].update(EXTENSIONS)


def model_names() -> list[str]:
    """Restoration models present, the bundled one, the other files there, then published models that could be downloaded.

    The first is the default, so that a graph restores at once: what else lies there may be other packs' and no GPEN model.
    """
    present = _weight_files(MODELS)
    there = {name: entry for name in present if (entry := published_named(Path(name).name)) is not None}
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
    """The file of a model chosen in the list. Raises MissingWeightsError naming file, folders, address and licence."""
    if name == BUNDLED.name:
        return bundled_file()
    path = folder_paths.get_full_path(MODELS, name)
    if path is not None:
        return Path(path)
    entry = entry_named(Path(name).name)
    if entry is BUNDLED:
        return bundled_file()
    folders = weight_folders(MODELS)
    if entry is None:
        where = " or ".join(map(str, folders))
        raise MissingWeightsError(
            f"{name} is not on this machine. Looked in: {where}. Put the file there and try again."
        )
    if (found := _under_another_name(entry)) is not None:
        return found
    raise MissingWeightsError(missing_message(entry, folders))


def model_notice(path: Path) -> str | None:
    """What somebody should know who works with this model, if anything."""
    return bundled_notice(weight_folders(MODELS)) if is_bundled(path) else None


def _under_another_name(entry: WeightFile) -> Path | None:
    """A published model as this user spells it, in whichever sub-folder: a workflow's author may have had it elsewhere."""
    for name in _weight_files(MODELS):
        if published_named(Path(name).name) is entry and (path := folder_paths.get_full_path(MODELS, name)) is not None:
            return Path(path)
    return None


def parser_path(name: str) -> Path:
    """The face parser's file. Raises MissingWeightsError."""
    path = folder_paths.get_full_path(DETECTION, name)
    if path is not None:
        return Path(path)
    raise MissingWeightsError(missing_message(parser_entry(), weight_folders(DETECTION)))


def parser_entry() -> WeightFile:
    return published_of("parser")[0]


def parser_names() -> list[str]:
    """ParseNet's published file first, then what else lies in the folder."""
    names = _weight_files(DETECTION)
    default = parser_entry().filename
    return [default] + [name for name in names if name != default and "detection" not in name.lower()]


def detector_folders() -> tuple[Path, ...]:
    """Where RetinaFace's files may lie."""
    return (*weight_folders(DETECTION), *weight_folders(CORE_DETECTION), *weight_folders(MODELS))


def weight_folders(name: str) -> tuple[Path, ...]:
    """All folders of a kind; none where this ComfyUI doesn't know the kind."""
    if name not in folder_paths.folder_names_and_paths:
        return ()
    return tuple(Path(path) for path in folder_paths.get_folder_paths(name))


def fingerprint(path: Path) -> str:
    """Changes when the file does, so that ComfyUI doesn't reuse what was loaded from an older one."""
    status = path.stat()
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


def _weight_files(name: str) -> list[str]:
    """The host's own cached list; empty where a folder has gone since, since a list of choices must never fail."""
    try:
        return [file for file in folder_paths.get_filename_list(name) if file.lower().endswith(EXTENSIONS)]
    except (FileNotFoundError, KeyError):
        return []

"""ComfyUI's model folders. Ours are added; existing paths are never replaced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths
from comfy import model_management

from ...gpen_core.errors import MissingWeightsError, one_line
from ...gpen_core.weights.catalog import (
    INCLUDED,
    MODEL_EXTENSIONS,
    ONNX,
    WeightFile,
    entry_named,
    included_named,
    published_named,
    published_of,
)
from ...gpen_core.weights.find import (
    DEFAULT_ORDER,
    EXTENSIONS,
    bundled_file,
    bundled_notice,
    find_within,
    is_bundled,
    missing_message,
)
from ...gpen_core.weights.folders import unreadable, weight_files_in

if TYPE_CHECKING:
    from ...gpen_core.pipeline import ProtectOptions, ProtectTools

MODELS = "facerestore_models"  # used by the other face restoration packs too, so their users find their files here
DETECTION = "facedetection"
CORE_DETECTION = "detection"  # ComfyUI's own


# Behind names in a list. What is saved in a workflow may carry them, and means the file without.
NOT_INSTALLED = " (not installed)"
NOT_GPEN = " (not a GPEN model)"
# Files of other restorers, which their packs keep in the same folder, by parts of their names.
_OTHERS = ("codeformer", "gfpgan", "restoreformer", "dmdnet", "vqfr")


def register() -> None:
    """Register both folders under ``models/``, besides any paths set in extra_model_paths.yaml."""
    for name in (MODELS, DETECTION):
        known = name in folder_paths.folder_names_and_paths
        folder_paths.add_model_folder_path(name, str(Path(folder_paths.models_dir) / name))
        if not known:  # a new name starts with no extensions, which would list every file
            folder_paths.folder_names_and_paths[name][1].update(EXTENSIONS)


def model_names() -> list[str]:
    """Installed published models, the bundled ones, other files in the folder, published models to download, other packs'.

    The first is the default and must work right away. What won't work says so behind its name; ``plain_name`` takes that away.
    """
    present = [*_weight_files(MODELS), *_graphs()]
    there = {name: entry for name in present if (entry := published_named(name)) is not None}
    best = [name for name in present if name in there and there[name].name in DEFAULT_ORDER]
    others = [name for name in present if name not in best]
    absent = [entry for entry in published_of("gpen") if entry not in there.values()]
    best.sort(key=lambda name: (_preference(there[name]), _kind(name), name.lower()))
    others.sort(key=lambda name: ("gpen" not in name.lower(), name.lower()))
    absent.sort(key=lambda entry: (_preference(entry), entry.filename.lower()))
    own = [name for name in others if not _is_of_others(name)]
    foreign = [name + NOT_GPEN for name in others if _is_of_others(name)]
    return [
        *best,
        *(entry.name for entry in INCLUDED),
        *own,
        *(entry.filename + NOT_INSTALLED for entry in absent),
        *foreign,
    ]


def plain_name(chosen: str) -> str:
    """The file's name of an entry in a list."""
    return chosen.removesuffix(NOT_INSTALLED).removesuffix(NOT_GPEN)


def _is_of_others(name: str) -> bool:
    return any(part in Path(name).name.lower() for part in _OTHERS)


def _kind(name: str) -> int:
    """Of two files of one model the one that loads quicker, with nothing more installed."""
    return MODEL_EXTENSIONS.index(Path(name).suffix.lower())


def _graphs() -> list[str]:
    """ONNX files in the folder, as ComfyUI names files. It lists none itself: the folder's extensions are every pack's."""
    found = set()
    for folder in weight_folders(MODELS):
        if unreadable(folder) is None:
            found |= {str(file.relative_to(folder)) for file in weight_files_in(folder) if file.suffix.lower() == ONNX}
    return sorted(found)


def _preference(entry: WeightFile) -> int:
    return DEFAULT_ORDER.index(entry.name) if entry.name in DEFAULT_ORDER else len(DEFAULT_ORDER)


def model_path(name: str) -> Path:
    """Path of a model chosen in the list. Raises MissingWeightsError with file, folders, URL and license."""
    name = plain_name(name)
    if (own := included_named(name)) is not None:
        return bundled_file(own)
    path = folder_paths.get_full_path(MODELS, name)
    if path is not None:
        return Path(path)
    entry = entry_named(name)
    if entry in INCLUDED:
        return bundled_file(entry)
    folders = weight_folders(MODELS)
    if (found := find_within(name, folders)) is not None:
        return found
    if entry is None:
        where = ", ".join(map(str, folders))
        raise MissingWeightsError(
            f"{one_line(name, 120)} is not installed. Searched: {where}. Put the file there and try again."
        )
    raise MissingWeightsError(missing_message(entry, folders))


def model_notice(path: Path) -> str | None:
    """A notice for users of this model, or None."""
    return bundled_notice(weight_folders(MODELS)) if is_bundled(path) else None


def parser_path(name: str) -> Path:
    """Path of the face parser's weights. Raises MissingWeightsError."""
    name = plain_name(name)
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
    known = [entry.filename for entry in published_of("parser")]
    others = [name for name in names if name not in known and "detection" not in name.lower()]
    absent = [name + NOT_INSTALLED for name in known if name not in names]
    return [*(name for name in known if name in names), *others, *absent]


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

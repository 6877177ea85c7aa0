"""Which detector: by name, by file, or the best there is."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import torch

from ...errors import MissingWeightsError
from ...weights.catalog import published_of
from ...weights.find import find_weights, missing_message
from .base import FaceNetwork
from .mtcnn import load_mtcnn
from .passes import DetectOptions, MultiPassDetector
from .retinaface import load_retinaface

AUTO, EMBEDDED = "auto", "mtcnn"
_WITH_FILES = published_of("detector")
DETECTOR_NAMES = (AUTO, *(entry.name for entry in _WITH_FILES), EMBEDDED)


def load_detector(
    name_or_path: str | Path = AUTO,
    *,
    folders: Sequence[str | Path] = (),
    options: DetectOptions | None = None,
    device: torch.device | str = "cpu",
) -> MultiPassDetector:
    """The detector of that name, or the RetinaFace in that file.

    "auto" takes the best one present: RetinaFace ResNet-50, then MobileNet 0.25, looked for in ``folders`` under their
    published file names (and only where facexlib is installed), then MTCNN, which needs no file. The result's ``name`` says
    which one it is.

    Raises MissingWeightsError when the one asked for is not on this machine, and CheckpointError when its file is no
    usable RetinaFace.
    """
    return MultiPassDetector(load_network(name_or_path, folders=folders, device=device), options)


def load_network(
    name_or_path: str | Path = AUTO, *, folders: Sequence[str | Path] = (), device: torch.device | str = "cpu"
) -> FaceNetwork:
    """The network alone, for a caller that decides later how to look. Names, files and errors as ``load_detector``."""
    path = detector_file(name_or_path, folders=folders)
    return load_mtcnn(device) if path is None else load_retinaface(path, device)


def detector_file(name_or_path: str | Path = AUTO, *, folders: Sequence[str | Path] = ()) -> Path | None:
    """The file that a choice comes down to; None for the embedded detector. Raises MissingWeightsError."""
    name, places = str(name_or_path), [Path(folder) for folder in folders]
    if name == EMBEDDED:
        return None
    if name == AUTO:
        return _best_file(places)
    if (entry := next((entry for entry in _WITH_FILES if entry.name == name), None)) is not None:
        if (path := find_weights(entry, places)) is not None:
            return path
        raise MissingWeightsError(f"{missing_message(entry, places)}\nThe detector '{EMBEDDED}' needs no file.")
    if Path(name).is_file():
        return Path(name)
    known = ", ".join(DETECTOR_NAMES)
    raise MissingWeightsError(f"{name}: neither a file nor a detector. Detectors: {known}; {EMBEDDED} needs no file.")


def _best_file(folders: Sequence[Path]) -> Path | None:
    if importlib.util.find_spec("facexlib") is None:
        return None
    return next((path for entry in _WITH_FILES if (path := find_weights(entry, folders)) is not None), None)

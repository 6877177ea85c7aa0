"""Load a detector by name, from a file, or the best one installed."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from ...commands import install_facexlib
from ...errors import MissingWeightsError, one_line
from ...modes import AUTO
from ...weights.catalog import published_named
from ...weights.find import find_named, find_weights, missing_message
from .base import FaceNetwork
from .mtcnn import load_mtcnn
from .names import DETECTOR_NAMES, DETECTORS_WITH_FILES, EMBEDDED
from .options import DetectOptions
from .passes import MultiPassDetector
from .retinaface import load_retinaface

_log = logging.getLogger(__name__)


def load_detector(
    name_or_path: str | Path = AUTO,
    *,
    folders: Sequence[str | Path] = (),
    options: DetectOptions | None = None,
    device: torch.device | str = "cpu",
) -> MultiPassDetector:
    """Load a face detector.

    "auto" selects the best one installed: RetinaFace ResNet-50, then RetinaFace MobileNet 0.25 (if facexlib is installed
    and ``folders`` has their published files), then the built-in MTCNN. The result's ``name`` tells which one it is.

    Args:
        name_or_path: "auto", "retinaface_resnet50", "retinaface_mobile0.25", "mtcnn", or a RetinaFace file, by its
            path or its name in ``folders``.
        folders: Where to search for weights.
        options: Detection settings.
        device: Where the network runs.

    Raises:
        MissingWeightsError: The detector is not installed.
        CheckpointError: The file is not a usable RetinaFace.
    """
    return MultiPassDetector(load_network(name_or_path, folders=folders, device=device), options)


def load_network(
    name_or_path: str | Path = AUTO, *, folders: Sequence[str | Path] = (), device: torch.device | str = "cpu"
) -> FaceNetwork:
    """Like ``load_detector``, but only the network, without detection settings."""
    path = detector_file(name_or_path, folders=folders)
    return load_mtcnn(device) if path is None else load_retinaface(path, device)


def detector_file(name_or_path: str | Path = AUTO, *, folders: Sequence[str | Path] = ()) -> Path | None:
    """The weights file of a detector, or None for one that needs no file. Arguments and errors as for ``load_detector``."""
    name, places = str(name_or_path), [Path(folder) for folder in folders]
    if name.lower() == EMBEDDED:
        return None
    if name.lower() == AUTO:
        return _best_file(places)
    if (entry := next((entry for entry in DETECTORS_WITH_FILES if entry.name == name.lower()), None)) is not None:
        if (path := find_weights(entry, places)) is not None:
            return path
    elif (path := find_named(name, places)) is not None:
        return path
    if (entry := entry or published_named(name)) in DETECTORS_WITH_FILES:
        raise MissingWeightsError(f"{missing_message(entry, places)}\nThe detector '{EMBEDDED}' needs no file.")
    known = ", ".join(DETECTOR_NAMES)
    raise MissingWeightsError(
        f"{one_line(name, 120)}: neither a file nor a detector. Choose one of {known}; {EMBEDDED} needs no file."
    )


def _best_file(folders: Sequence[Path]) -> Path | None:
    found = next((path for entry in DETECTORS_WITH_FILES if (path := find_weights(entry, folders)) is not None), None)
    if found is not None and importlib.util.find_spec("facexlib") is None:
        _log.warning("%s is not used: the package of its network is not installed (%s)", found.name, install_facexlib())
        return None
    return found

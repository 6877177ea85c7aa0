"""Networks, by their names or from their files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from ..checkpoints import GpenModel, load_checkpoint
from ..devices import choose_device, detector_device
from ..errors import MissingWeightsError
from ..faces import detectors, parsing
from ..faces.detectors import DetectOptions, FaceDetector
from ..faces.parsing import FaceParser
from ..modes import AUTO
from ..pipeline import (
    ProtectOptions,
    ProtectTools,
)
from ..pipeline import load_protect_tools as find_protect_tools
from ..pipeline.given import (
    check_dtype,
    check_name,
)
from ..weights.catalog import published_of
from ..weights.find import (
    bundled_notice,
    find_first,
    find_named,
    is_bundled,
    missing_message,
    resolve_model,
    weight_folders,
)

_log = logging.getLogger(__name__)


def load_model(
    name_or_path: str | Path | None = None,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    task: str | None = None,
    folders: Sequence[str | Path] | None = None,
) -> GpenModel:
    """Load a GPEN model by its name or from its file.

    Args:
        name_or_path: A checkpoint (``.safetensors``, ``.pth``, ``.pt`` or ``.onnx``), a published name such as "GPEN-BFR-512",
            "bundled", "bundled-perceptual", or a file's name in ``folders``, in any case. None takes the best one present;
            where that is the small model which comes with this package, a warning is logged.
        device: "cpu", "cuda", "cuda:1", …; "auto" is the GPU there is, else the CPU.
        dtype: Precision of the weights: ``torch.float32``, ``torch.bfloat16`` or ``torch.float16``.
        task: What the model was trained for (a key of ``gpen_core.tasks.TASKS``), where the file does not say it.
        folders: Where to look for weights; None: those in the environment variable GPEN_MODELS, else ``~/.cache/gpen``.

    Returns:
        The model. Calling it maps aligned faces [N, 3, S, S] RGB in [0, 1] to [N, 3, S', S'] RGB in [0, 1].

    Raises:
        MissingWeightsError: The model is not on this machine; the message says where to get it and where to put it.
        CheckpointError: The file is no usable GPEN generator.
        OptionError: The device cannot be used.
    """
    if name_or_path is not None:
        check_name(name_or_path)
    where = choose_device(device)
    check_dtype(dtype)
    path = resolve_model(name_or_path, places_of(folders))
    if name_or_path is None and is_bundled(path):
        _log.warning("%s", bundled_notice())
    return load_checkpoint(path, device=where, dtype=dtype, task=task)


def load_detector(
    name_or_path: str | Path = AUTO,
    *,
    device: torch.device | str = "cpu",
    options: DetectOptions | None = None,
    folders: Sequence[str | Path] | None = None,
) -> FaceDetector:
    """Load a face detector by its name or from its file.

    Args:
        name_or_path: "auto" (the best one present), "retinaface_resnet50", "retinaface_mobile0.25", "mtcnn" (which needs no
            file), or a RetinaFace checkpoint of facexlib's.
        device: "cpu", "cuda", …; "auto" is the GPU there is, else the CPU.
        options: How hard to look; None for the defaults.
        folders: Where to look for weights; None as in ``load_model``.

    Returns:
        The detector; its ``name`` says which one it is.

    Raises:
        MissingWeightsError: The detector, or a Python package that it needs, is not on this machine.
        CheckpointError: The file is no usable RetinaFace.
        OptionError: The device cannot be used.
    """
    check_name(name_or_path)
    where = detector_device(choose_device(device))
    return detectors.load_detector(name_or_path, folders=places_of(folders), options=options, device=where)


def load_parser(
    path: str | Path | None = None,
    *,
    device: torch.device | str = "cpu",
    folders: Sequence[str | Path] | None = None,
) -> FaceParser:
    """Load the face parser, with which a blend follows the face's own outline instead of an oval.

    Args:
        path: facexlib's ``parsing_parsenet.pth`` or ``parsing_bisenet.pth``, by path or name; None looks for
            them in ``folders``, in this order.
        device: "cpu", "cuda", …; "auto" is the GPU there is, else the CPU.
        folders: Where to look; None as in ``load_model``.

    Raises:
        MissingWeightsError: The file, or the Python package facexlib, is not on this machine.
        CheckpointError: The file is neither ParseNet nor BiSeNet.
        OptionError: The device cannot be used.
    """
    if path is not None:
        check_name(path)
    known, places = published_of("parser"), places_of(folders)
    entry = known[0]
    found = find_first(known, places) if path is None else find_named(path, places)
    if found is None:
        asked = "" if path is None else f"{path}: no such file. "
        raise MissingWeightsError(asked + missing_message(entry, places))
    return parsing.load_parser(found, device=detector_device(choose_device(device)))


def load_protect_tools(
    options: ProtectOptions = ProtectOptions(), *, folders: Sequence[str | Path] | None = None
) -> ProtectTools:
    """Load the networks that protecting faces uses; pass them to several calls of ``restore`` or ``restore_frames``.

    Args:
        options: What is protected; with mode "off", nothing is loaded.
        folders: Where ArcFace's file is looked for; None as in ``load_model``. Without it dlib's network is taken, if its
            packages are installed; without either, ``identity`` is None.

    Raises:
        CheckpointError: A file has ArcFace's name but other content.
        MissingWeightsError: The estimator of quality has been removed from the package.
        OptionError: ArcFace's file is there, but not facexlib, which builds its network.
    """
    return find_protect_tools(options, places_of(folders))


def places_of(folders: Sequence[str | Path] | None) -> tuple[Path, ...]:
    """Where to look for weights; None: where it is usual."""
    return weight_folders() if folders is None else tuple(Path(folder) for folder in folders)

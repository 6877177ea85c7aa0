"""How a report was made. It holds no times and no paths, so that two runs write the same file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module, metadata
from typing import Any

from torch import nn

from .faces import FaceFiles, Faces
from .measure import Restorer
from .options import EvaluationOptions
from .pairs import PairedFiles
from .severity import unmirrored

# What the figures depend on; of OpenCV's distributions one is installed.
_PACKAGES = (
    "torch", "numpy", "opencv-python", "opencv-python-headless", "opencv-contrib-python", "pillow", "mtcnn", "dlib-bin",
    "lpips", "piq",
)  # fmt: skip


def about(model: Restorer, faces: Faces, pairs: PairedFiles | None, options: EvaluationOptions) -> dict[str, Any]:
    """Plain values: the model, the data, the options, the versions."""
    return {
        "model": _model(model),
        "data": {
            **({"faces": _files(faces)} if len(faces) else {}),
            **({"pairs": {"low": _files(pairs.low), "clean": _files(pairs.clean)}} if pairs else {}),
        },
        "options": {
            "recipe": asdict(unmirrored(options.recipe)),
            "severities": list(options.severities),
            "sweeps": list(options.sweeps),
            "sweep_faces": options.sweep_faces,
            "baselines": list(options.baselines),
            "seed": options.seed,
            "batch_size": options.faces_at_once(model.config.output_size),
        },
        "versions": {"gpen_core": import_module("...", __package__).__version__, **dict(_versions())},
    }


def _model(model: Restorer) -> dict[str, Any]:
    found = {"name": model.name, "input_size": model.config.input_size, "output_size": model.config.output_size}
    module = getattr(model, "module", None)
    if isinstance(module, nn.Module):
        found["parameters"] = sum(parameter.numel() for parameter in module.parameters())
    return found


def _files(faces: Faces) -> dict[str, Any]:
    if not isinstance(faces, FaceFiles):
        return {"count": len(faces)}
    return {
        "folder": faces.root.name,
        "count": len(faces),
        "skipped": len(faces.skipped),
        "gray": faces.gray,
        "smallest_side": faces.smallest,
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue

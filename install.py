"""Run by ComfyUI's manager after ``requirements.txt``: prepares the model folders and says what can be put into them.

Quick, repeatable, and silent on the network: nothing is downloaded here.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

PACK = Path(__file__).resolve().parent
FOLDERS = {"gpen": "facerestore_models", "detector": "facedetection", "parser": "facedetection"}


def main() -> int:
    """Make the folders where ComfyUI's ``models`` is beside the pack; list what is there and what could be."""
    models = models_folder()
    if models is None:
        print("GPEN: this pack does not lie in ComfyUI's custom_nodes; no folders were made.")
        return 0
    catalog = load_catalog()
    for kind in dict.fromkeys(FOLDERS.values()):
        try:
            (models / kind).mkdir(exist_ok=True)
        except OSError as error:  # a read-only installation still works with folders of its own
            print(f"GPEN: {models / kind} could not be made ({error.strerror or error}).")
    print("GPEN: weights, and where they belong. The built-in face detector needs none.")
    for entry in catalog.PUBLISHED:
        target = models / FOLDERS[entry.kind] / entry.filename
        state = "present" if target.is_file() else "absent "
        print(f"  {state}  {target}\n           {entry.urls[0]}\n           {entry.license}")
    return 0


def models_folder() -> Path | None:
    """ComfyUI's ``models``, where the pack lies in ComfyUI's ``custom_nodes``; else None."""
    models = PACK.parent.parent / "models"
    return models if PACK.parent.name == "custom_nodes" and models.is_dir() else None


def load_catalog() -> ModuleType:
    """The catalog alone: importing the whole package would load torch for a list of names."""
    spec = importlib.util.spec_from_file_location("gpen_catalog", PACK / "gpen_core" / "weights" / "catalog.py")
    assert spec is not None and spec.loader is not None  # noqa: S101 - the file is part of the pack
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())

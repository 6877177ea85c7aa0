"""Run by ComfyUI's manager after ``requirements.txt``: prepares the model folders and says what can be put into them.

Quick, repeatable, and silent on the network: nothing is downloaded here.
"""

from __future__ import annotations

import sys
from pathlib import Path

PACK = Path(__file__).resolve().parent
FOLDERS = {"gpen": "facerestore_models", "detector": "facedetection", "parser": "facedetection"}


def main() -> int:
    """Make the folders where ComfyUI's ``models`` is beside the pack; list what is there and what could be."""
    models = models_folder()
    if models is None:
        print("GPEN: this pack does not lie in ComfyUI's custom_nodes; no folders were made.")
        return 0
    sys.path.insert(0, str(PACK))  # of the package, only what knows files of weights is imported: no torch
    from gpen_core.errors import MissingWeightsError  # type: ignore[import-not-found, unused-ignore]
    from gpen_core.weights.catalog import PUBLISHED, published_named  # type: ignore[import-not-found, unused-ignore]
    from gpen_core.weights.folders import weight_files_in  # type: ignore[import-not-found, unused-ignore]

    for kind in dict.fromkeys(FOLDERS.values()):
        try:
            (models / kind).mkdir(exist_ok=True)
        except OSError as error:  # a read-only installation still works with folders of its own
            print(f"GPEN: {models / kind} could not be made ({error.strerror or error}).")
    print("GPEN: weights, and where they belong. The built-in face detector needs none.")
    for entry in PUBLISHED:
        folder = models / FOLDERS[entry.kind]
        try:
            files = weight_files_in(folder)
        except MissingWeightsError as error:
            print(f"GPEN: {error}.")
            files = []
        found = next((file for file in files if published_named(file.name) is entry), None)  # as the nodes find it
        state = "absent " if found is None else "present"
        print(f"  {state}  {found or folder / entry.filename}\n           {entry.urls[0]}\n           {entry.license}")
    return 0


def models_folder() -> Path | None:
    """ComfyUI's ``models``, where the pack lies in ComfyUI's ``custom_nodes``; else None."""
    models = PACK.parent.parent / "models"
    return models if PACK.parent.name == "custom_nodes" and models.is_dir() else None


if __name__ == "__main__":
    sys.exit(main())

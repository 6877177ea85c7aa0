"""What is written beside a result: before and after as one picture, and each face."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..errors import ImageError
from ..files import scratch_folder
from ..geometry import size_of
from ..imaging.files import Picture, save_picture
from ..imaging.lanczos import resize_lanczos
from ..types import RestoredFace
from .job import Job
from .plan import is_face, remove_faces


def save_beside(job: Job, before: Tensor, after: Tensor, faces: list[RestoredFace]) -> None:
    """Write all that is asked for but the result: each file, and the folder of faces, complete or not at all.

    Args:
        job: Says where to.
        before: [3 or more, H, W] RGB in [0, 1], the picture.
        after: [3 or more, H', W'] likewise, the result.
        faces: Those that were restored.

    Raises:
        ImageError: It cannot be written there.
    """
    if job.pair is not None:
        _save_pair(before, after, job.pair)
    if job.faces is not None:
        _save_faces(faces, job.faces)


def _save_pair(before: Tensor, after: Tensor, path: Path) -> None:
    """Before and after, side by side, both at the size of the result and in sRGB."""
    save_picture(Picture(torch.cat((resize_lanczos(before, size_of(after)), after), dim=2)), path)


def _save_faces(faces: list[RestoredFace], folder: Path) -> None:
    """A folder, empty where no face was found: what is there is whole, whenever a run is stopped."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder.parent) as scratch:
            made = scratch / "faces"
            made.mkdir()
            try:
                for number, face in enumerate(faces):
                    _save_face(face, made, number)
            except ImageError as error:
                raise ImageError(str(error).replace(str(made), str(folder))) from error
            _put_in_place(made, folder)
    except OSError as error:
        raise ImageError(f"{folder}: cannot be written ({error.strerror or error}).") from error


def _put_in_place(made: Path, folder: Path) -> None:
    """The new folder for the old one, which goes with the scratch folder around the new one; what else is in it stays.

    Other files would be gone with the old folder if a run were killed between two renamings: beside those, each file is
    replaced by itself, and what an earlier run found more goes last, so that no face is ever missing.
    """
    if folder.is_symlink() or (folder.exists() and not all(is_face(file.name) for file in folder.iterdir())):
        new = sorted(file.name for file in made.iterdir())
        for name in new:
            (made / name).replace(folder / name)
        remove_faces(folder, new)
        return
    if folder.exists():
        folder.rename(made.with_name("earlier"))
    made.rename(folder)


def _save_face(face: RestoredFace, folder: Path, number: int) -> None:
    size = face.pixels.shape[-1]
    save_picture(Picture(resize_lanczos(face.crop.pixels, (size, size))), folder / f"{number:02d}-before.png")
    save_picture(Picture(face.pixels), folder / f"{number:02d}-after.png")

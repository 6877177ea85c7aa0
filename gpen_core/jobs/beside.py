"""What is written beside a result: before and after as one picture, and each face."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..geometry import size_of
from ..imaging.files import Picture, save_picture
from ..imaging.lanczos import resize_lanczos
from ..types import RestoredFace
from .job import Job
from .plan import remove_faces


def save_beside(job: Job, before: Tensor, after: Tensor, faces: list[RestoredFace]) -> None:
    """Write all that is asked for but the result, which comes last: where it is, a stopped run has left nothing to do.

    Args:
        job: Says where to.
        before: [3 or more, H, W] RGB in [0, 1], the picture.
        after: [3 or more, H', W'] likewise, the result.
        faces: Those that were restored.
    """
    if job.pair is not None:
        _save_pair(before, after, job.pair)
    if job.faces is not None:
        remove_faces(job.faces)
        for number, face in enumerate(faces):
            _save_face(face, job.faces, number)


def _save_pair(before: Tensor, after: Tensor, path: Path) -> None:
    """Before and after, side by side, both at the size of the result and in sRGB."""
    save_picture(Picture(torch.cat((resize_lanczos(before, size_of(after)), after), dim=2)), path)


def _save_face(face: RestoredFace, folder: Path, number: int) -> None:
    size = face.pixels.shape[-1]
    save_picture(Picture(resize_lanczos(face.crop.pixels, (size, size))), folder / f"{number:02d}-before.png")
    save_picture(Picture(face.pixels), folder / f"{number:02d}-after.png")

"""Faces that are known, and restorations of them that are."""

from dataclasses import replace

import torch

from gpen_core.faces.alignment import align_face
from gpen_core.types import RestoredFace


class KnownFaces:
    """A detector that says what it was told, so that what follows detection can be checked exactly."""

    name = "known"

    def __init__(self, *faces):
        self.faces = faces

    def detect(self, frame):
        return self.faces


def identity(frames, faces, size=512, template="gpen"):
    return [RestoredFace(crop, crop.pixels) for crop in (align_face(frames[f.frame], f, size, template) for f in faces)]


def painted(frames, faces, size=128, value=1.0):
    return [
        replace(face, pixels=torch.full_like(face.pixels, value), task="painting")
        for face in identity(frames, faces, size)
    ]

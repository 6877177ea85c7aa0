"""The steps by themselves: detect, align, blend; and whom to look for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image
from torch import Tensor

from ..checkpoints import GpenModel
from ..faces.alignment import align_face
from ..faces.detectors import FaceDetector
from ..faces.identity import Embedder, find_embedder
from ..faces.parsing import FaceParser
from ..faces.selection import SAME_PERSON, Reference, reference_of
from ..imaging.pictures import open_picture
from ..modes import AUTO
from ..pipeline import (
    BlendOptions,
    blend_faces,
    detect_faces,
)
from ..pipeline.crops import check_side
from ..pipeline.frames import check_faces_of
from ..pipeline.given import (
    check_detector,
    check_helpers,
    checked_faces,
    checked_restored,
)
from ..pipeline.options import RestoreOptions
from ..pipeline.restore import template_for
from ..tasks import gives_color
from ..types import Face, FaceCrop, RestoredFace
from .loading import load_detector, places_of

PictureT = TypeVar("PictureT", Image.Image, np.ndarray, Tensor)


def detect(picture: Image.Image | np.ndarray | Tensor, detector: FaceDetector | None = None) -> tuple[Face, ...]:
    """Find the faces of a picture.

    Args:
        picture: As in ``restore``.
        detector: From ``load_detector``; None loads the best one present, anew on every call.

    Returns:
        The faces, best first, with ids from 1; of a batch, in the order of its frames.

    Raises:
        ImageError: The picture is of none of the supported kinds.
        MissingWeightsError: No detector works on this machine.
    """
    frames = open_picture(picture).frames
    detector = load_detector() if detector is None else detector
    check_detector(detector)
    return detect_faces(frames, detector)


def align(
    picture: Image.Image | np.ndarray | Tensor, face: Face, model_or_size: GpenModel | int, template: str = AUTO
) -> FaceCrop:
    """Cut a face out of its picture, upright, at the size and with the framing that a model takes.

    Args:
        picture: The one in which the face was found, or a resized copy; of a batch, ``face.frame`` says which. Kinds as in
            ``restore``.
        face: From ``detect``.
        model_or_size: The model that will see the crop, or the crop's side in pixels.
        template: "gpen", "ffhq", or "auto" for the model's own ("gpen" where only a size is given).

    Returns:
        The crop: ``pixels`` [3, S, S] RGB in [0, 1], and where it came from.

    Raises:
        ImageError: The picture is of none of the supported kinds, or not the one in which the face was found.
        OptionError: The size is below 1, or the template is unknown.
    """
    frames = open_picture(picture).frames
    (face,) = checked_faces([face])
    check_faces_of(frames, [face])
    if isinstance(model_or_size, GpenModel):
        size, chosen = model_or_size.config.input_size, template_for(model_or_size, RestoreOptions(template))
    else:
        size, chosen = model_or_size, "gpen" if template == AUTO else template
    check_side(size)
    return align_face(frames[face.frame], face, size, chosen)


def blend(
    picture: PictureT,
    faces: Sequence[RestoredFace],
    *,
    parser: FaceParser | None = None,
    options: BlendOptions = BlendOptions(),
) -> PictureT:
    """Put restored faces back into their picture.

    Args:
        picture: The one in which the faces were found. Kinds as in ``restore``.
        faces: Each a crop from ``align`` and what a model made of it: ``RestoredFace(crop, pixels, model.task.name)``, with
            ``pixels`` [3, S', S'] RGB in [0, 1].
        parser: From ``load_parser``; None blends through an oval.
        options: Scale, strength, softness and color matching.

    Returns:
        A picture of the same kind, dtype and channels. Gray stays gray, unless a face comes from a model that colorizes.

    Raises:
        ImageError: The picture is of none of the supported kinds, or a face was found in another one.
    """
    faces = checked_restored(faces)
    check_helpers(parser)
    opened = open_picture(picture, keep_gray=not any(gives_color(face.task) for face in faces))
    blended = blend_faces(opened.frames, faces, options, parser=parser)
    result: PictureT = opened.back(blended.frames, blended.mask)
    return result


def load_reference(
    picture: Image.Image | np.ndarray | Tensor,
    detector: FaceDetector | None = None,
    *,
    least: float = SAME_PERSON,
    embedder: Embedder | None = None,
    folders: Sequence[str | Path] | None = None,
) -> Reference:
    """Learn from a picture which person's faces to restore: its largest face, of a batch that of each frame.

    Args:
        picture: As in ``restore``.
        detector: From ``load_detector``; None loads the best one present.
        least: How similar a face must be, in [0, 1]; 1 is the same picture.
        embedder: Tells faces apart; None looks for ArcFace's file, then for dlib's network.
        folders: Where ArcFace's file is looked for; None as in ``load_model``.

    Returns:
        What ``restore`` takes as ``reference``.

    Raises:
        ImageError: The picture is of none of the supported kinds, or shows no face.
        MissingWeightsError: There is no face recognition network; the message says where to get one.
        OptionError: ``least`` is out of range.
    """
    frames = open_picture(picture).frames
    embedder = find_embedder(places_of(folders)) if embedder is None else embedder
    detector = load_detector() if detector is None else detector
    check_detector(detector)
    return reference_of(frames, detect_faces(frames, detector), embedder, least)

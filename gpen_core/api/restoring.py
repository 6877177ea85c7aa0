"""All steps at once: every face of a picture or of a batch of frames."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from PIL import Image
from torch import Tensor

from ..checkpoints import GpenModel
from ..errors import ImageError, OptionError
from ..faces.alignment import WHOLE
from ..faces.detectors import FaceDetector
from ..faces.parsing import FaceParser
from ..faces.selection import Reference
from ..imaging.pictures import Opened, open_mask, open_picture
from ..pipeline import (
    Hooks,
    ProtectTools,
    Restoration,
    Settings,
    restore_image,
)
from ..pipeline.given import (
    check_detector,
    check_helpers,
    check_model,
    check_settings,
    checked_faces,
)
from ..pipeline.restore import template_for
from ..types import Face
from .loading import load_detector, load_model

_log = logging.getLogger(__name__)
PictureT = TypeVar("PictureT", Image.Image, np.ndarray, Tensor)


def restore(
    picture: PictureT,
    model: GpenModel | None = None,
    *,
    detector: FaceDetector | None = None,
    faces: Sequence[Face] | None = None,
    reference: Reference | None = None,
    parser: FaceParser | None = None,
    settings: Settings = Settings(),
    tools: ProtectTools = ProtectTools(),
    mask: Image.Image | np.ndarray | Tensor | None = None,
) -> PictureT:
    """Restore every face of a picture.

    Args:
        picture: One of these; colors are RGB, never BGR:

            - a ``PIL.Image.Image``. "L", "LA", "RGB", "RGBA" and "I;16" keep their mode; "1" becomes "L", and palettes and
              the like become "RGB", or "RGBA" where they hold transparency; networks see sRGB, by the image's profile, and
              the result has the image's own colors, "LAB" and "CMYK" with a profile included. Profile, EXIF, texts, XMP and
              resolution stay in ``info``; an EXIF orientation is not applied. "I" and "F" (32 bits) are refused.
            - a NumPy array [H, W], [H, W, 3] or [H, W, 4]: uint8, uint16, or floating point in [0, 1].
            - a tensor [C, H, W] or [B, C, H, W] with 3 or 4 channels, floating point in [0, 1], on any device.

        model: From ``load_model``; None loads the best one present, anew on every call.
        detector: From ``load_detector``; None loads the best one present, anew on every call.
        faces: Those to restore, from ``detect``; None detects them, and ``settings.select`` chooses.
        reference: From ``load_reference``: of the faces that are detected, only this person's are restored.
        parser: From ``load_parser``; None blends through an oval.
        settings: Which faces, how, and the size of the result.
        tools: From ``load_protect_tools``; without, good faces and fine detail are kept, but likeness is not measured.
        mask: For models that fill (inpainting): white where something is to be filled, of the picture's shape. A grayscale
            image, an array [H, W], or a tensor [H, W] or [B, 1, H, W] in [0, 1].

    Returns:
        A picture of the same kind, dtype and channels, of the same size unless ``settings.blend.scale`` says otherwise.
        A label map becomes a face of the model's size.
        Gray stays gray, unless the model colorizes. Where no face is found it has the same pixels, and a warning is logged;
        a program that must know uses ``restore_frames``.

    Raises:
        ImageError: The picture is of none of these kinds.
        OptionError: Both ``faces`` and a ``reference`` are given.
        MissingWeightsError: A model or detector is not on this machine.
        RestorationError: Not even one face fits into memory, or the network yields NaN or infinity.
    """
    if model is None:
        open_picture(picture)  # one that can't be restored is refused before anything is loaded
        model = load_model()
    check_model(model)
    check_settings(settings)
    check_helpers(parser, reference, tools)
    opened = open_picture(picture, keep_gray=not model.task.gives_color)
    restored = restore_frames(
        opened.frames, model, detector=detector, faces=faces, reference=reference, parser=parser, settings=settings,
        tools=tools, mask=mask,
    )  # fmt: skip
    result: PictureT = opened.back(restored.frames, restored.mask)
    return result


def restore_frames(
    frames: Tensor,
    model: GpenModel | None = None,
    *,
    detector: FaceDetector | None = None,
    faces: Sequence[Face] | None = None,
    reference: Reference | None = None,
    parser: FaceParser | None = None,
    settings: Settings = Settings(),
    background: Tensor | None = None,
    hooks: Hooks = Hooks(),
    tools: ProtectTools = ProtectTools(),
    mask: Image.Image | np.ndarray | Tensor | None = None,
) -> Restoration:
    """Restore every face of a batch of frames, and say what was done.

    Args:
        frames: [B, C, H, W] or [C, H, W], 3 or 4 channels, RGB(A), floating point in [0, 1].
        model: As in ``restore``.
        detector: As in ``restore``.
        faces: As in ``restore``.
        reference: As in ``restore``.
        parser: As in ``restore``.
        settings: As in ``restore``.
        background: The same frames already upscaled, [B, C, H', W']: faces go into these.
        hooks: Watches or cancels a long run.
        tools: As in ``restore``.
        mask: As in ``restore``.

    Returns:
        ``frames`` [B, C, H', W'] float32 in [0, 1]; ``mask`` [B, 1, H', W'], the share of each pixel that was replaced; the
        ``faces`` that were worked on, empty where none was found; and ``facts``, what was done to each of them.

    Raises:
        ImageError, OptionError, MissingWeightsError, RestorationError: As ``restore``.
    """
    if faces is not None and reference is not None:
        raise OptionError("faces are given, so the reference would choose none of them: give one of both")
    frames = _opened_frames(frames).frames
    model = load_model() if model is None else model
    check_model(model)
    check_settings(settings)
    check_helpers(parser, reference, tools)
    if faces is None and template_for(model, settings.restore) != WHOLE:
        detector = load_detector(device=model.device) if detector is None else detector
        check_detector(detector)
    elif faces is not None:
        faces = checked_faces(faces)
    result = restore_image(
        frames, model, detector, settings, faces=faces, reference=reference, parser=parser, background=background,
        hooks=hooks, tools=tools, mask=None if mask is None else open_mask(mask),
    )  # fmt: skip
    if not result.faces:
        _log.warning("%s", _nobody(result, detector, model))
    return result


def _nobody(result: Restoration, detector: FaceDetector | None, model: GpenModel) -> str:
    """Why nothing was restored."""
    if model.task.fills and not (result.selection and result.selection.choices):
        return "the mask is empty, or lies on no face: nothing was filled"
    if result.selection is None:
        return "no faces were given: nothing was restored"
    found_by = f" by {detector.name}" if detector is not None and not result.selection.choices else ""
    return f"{result.selection.why_none()}{found_by}: nothing was restored"


def _opened_frames(frames: Tensor) -> Opened:
    if not isinstance(frames, Tensor):
        raise ImageError(f"frames are a tensor, not {type(frames).__name__}. For single pictures there is restore().")
    return open_picture(frames)

"""What a Python program calls: load a model, restore a picture, or take the steps one by one.

``import gpen_core`` exports all of it; nothing is imported before it is used.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .checkpoints import GpenModel, load_checkpoint
from .devices import choose_device, detector_device
from .errors import ImageError, MissingWeightsError, OptionError
from .faces import detectors, parsing
from .faces.alignment import WHOLE, align_face
from .faces.detectors import DetectOptions, FaceDetector
from .faces.identity import Embedder, find_embedder
from .faces.parsing import FaceParser
from .faces.selection import SAME_PERSON, Reference, reference_of
from .imaging.pictures import Opened, open_mask, open_picture
from .modes import AUTO
from .pipeline import (
    BlendOptions,
    Hooks,
    ProtectOptions,
    ProtectTools,
    Restoration,
    Settings,
    blend_faces,
    detect_faces,
    restore_image,
)
from .pipeline import load_protect_tools as find_protect_tools
from .pipeline.crops import check_side
from .pipeline.frames import check_faces_of
from .pipeline.given import (
    check_detector,
    check_dtype,
    check_model,
    check_name,
    check_settings,
    checked_faces,
    checked_restored,
)
from .pipeline.options import RestoreOptions
from .pipeline.restore import template_for
from .tasks import gives_color
from .types import Face, FaceCrop, RestoredFace
from .weights.catalog import published_of
from .weights.find import (
    bundled_notice,
    find_first,
    find_named,
    is_bundled,
    missing_message,
    resolve_model,
    weight_folders,
)

_log = logging.getLogger(__name__)
PictureT = TypeVar("PictureT", Image.Image, np.ndarray, Tensor)


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
            "bundled", or a file's name in ``folders``, in any case. None takes the best one present; where that is the small
            model which comes with this package, a warning is logged.
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
    path = resolve_model(name_or_path, _folders(folders))
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
    return detectors.load_detector(name_or_path, folders=_folders(folders), options=options, device=where)


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
    known, places = published_of("parser"), _folders(folders)
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
    return find_protect_tools(options, _folders(folders))


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
    embedder = find_embedder(_folders(folders)) if embedder is None else embedder
    detector = load_detector() if detector is None else detector
    check_detector(detector)
    return reference_of(frames, detect_faces(frames, detector), embedder, least)


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
        _log.warning("%s", _nobody(result, detector))
    return result


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
    opened = open_picture(picture, keep_gray=not any(gives_color(face.task) for face in faces))
    blended = blend_faces(opened.frames, faces, options, parser=parser)
    result: PictureT = opened.back(blended.frames, blended.mask)
    return result


def _folders(folders: Sequence[str | Path] | None) -> tuple[Path, ...]:
    return weight_folders() if folders is None else tuple(Path(folder) for folder in folders)


def _nobody(result: Restoration, detector: FaceDetector | None) -> str:
    """Why nothing was restored."""
    if result.selection is None:
        return "no faces were given: nothing was restored"
    found_by = f" by {detector.name}" if detector is not None and not result.selection.choices else ""
    return f"{result.selection.why_none()}{found_by}: nothing was restored"


def _opened_frames(frames: Tensor) -> Opened:
    if not isinstance(frames, Tensor):
        raise ImageError(f"frames are a tensor, not {type(frames).__name__}. For single pictures there is restore().")
    return open_picture(frames)

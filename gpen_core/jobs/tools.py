"""The networks of a run, loaded once for all of its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ..checkpoints import GpenModel, load_checkpoint
from ..devices import choose_device, detector_device
from ..errors import MissingWeightsError, OptionError
from ..faces.alignment import WHOLE
from ..faces.detectors import FaceDetector, load_detector
from ..faces.exchange import AlignedPictures, WholePictures
from ..faces.identity import find_embedder
from ..faces.parsing import FaceParser, load_parser
from ..faces.selection import Reference, reference_of
from ..imaging.files import load_picture
from ..pipeline import ProtectTools, Settings, detect_faces, load_protect_tools
from ..pipeline.clip import VideoOptions
from ..pipeline.restore import template_for
from ..pipeline.upscaling import Upscaler, load_upscaler
from ..precisions import PRECISIONS
from ..video.tools import ClipTools
from ..weights.catalog import published_of
from ..weights.find import find_first, find_named, missing_message
from .options import FileOptions, ToolOptions


@dataclass(frozen=True, eq=False)
class Tools:
    """Networks and settings of a run.

    Attributes:
        model: Restores faces.
        detector: Finds them.
        parser: Draws the outline of each face; without one it is an oval.
        settings: Which faces, how, and the size of the result.
        protect: Networks that protecting uses.
        reference: Only this person's faces are restored.
        video: How faces of clips are held steady.
        upscaler: Enlarges whole images before faces are blended in; None: nothing does.
    """

    model: GpenModel
    detector: FaceDetector
    parser: FaceParser | None = None
    settings: Settings = Settings()
    protect: ProtectTools = ProtectTools()
    reference: Reference | None = None
    video: VideoOptions = VideoOptions()
    upscaler: Upscaler | None = None

    def for_clips(self, files: FileOptions) -> ClipTools:
        """The same for clips, which are encoded as ``files`` says. Raises OptionError for what only images can have."""
        if self.upscaler is not None or files.companions.any:
            raise OptionError("--upscaler, --background and --mask are for images, not for clips")
        return ClipTools(
            self.model, self.detector, self.settings, self.video, self.parser, self.reference, self.protect,
            files.encode,
        )  # fmt: skip


def load_tools(options: ToolOptions) -> Tools:
    """Load every network that a run uses.

    Raises:
        MissingWeightsError: A network that was asked for is not installed; the message says where to get it.
        CheckpointError: A file of weights cannot be used.
        OptionError: The device or the detector is unknown.
        ImageError: The picture of the person cannot be read, or shows no face.
    """
    device = choose_device(options.device)
    model = load_checkpoint(
        options.model, device=device, dtype=PRECISIONS[options.precision], task=options.task
    )  # fmt: skip
    other = detector_device(device)
    return Tools(
        model,
        _detector(options, model, other),
        _parser(options, other),
        options.settings,
        load_protect_tools(options.settings.protect, options.folders),
        _reference(options, other),
        options.video,
        _upscaler(options, device),
    )


def _detector(options: ToolOptions, model: GpenModel, device: torch.device) -> FaceDetector:
    template = template_for(model, options.settings.restore)
    if template == WHOLE:
        return WholePictures()
    if options.aligned:
        return AlignedPictures(template)
    return load_detector(options.detector, folders=options.folders, options=options.detect, device=device)


def _upscaler(options: ToolOptions, device: torch.device) -> Upscaler | None:
    file = upscaler_file(options)
    if file is None:
        return None
    return load_upscaler(file, device=device, memory_mib=options.settings.restore.memory_mib)


def upscaler_file(options: ToolOptions) -> Path | None:
    """The file of the upscaler: as it was named, or of that name in the folders of weights; None where none was named."""
    if options.upscaler is None:
        return None
    return find_named(options.upscaler, options.folders) or options.upscaler


def _parser(options: ToolOptions, device: torch.device) -> FaceParser | None:
    known = published_of("parser")
    path = None if options.mask == "ellipse" else find_first(known, options.folders)
    if path is None and options.mask == "parsing":
        raise MissingWeightsError(missing_message(known[0], options.folders))
    return None if path is None else load_parser(path, device=device)


def _reference(options: ToolOptions, device: torch.device) -> Reference | None:
    """The person that was asked for, if any; searched for with the detector's usual settings."""
    if options.person is None:
        return None
    embedder = find_embedder(options.folders)
    frames = load_picture(options.person.picture).pixels[None]
    detector = load_detector(options.detector, folders=options.folders, device=device)
    return reference_of(frames, detect_faces(frames, detector), embedder, options.person.similarity)

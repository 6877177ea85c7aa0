"""What a clip is restored with."""

from __future__ import annotations

from dataclasses import dataclass

from ..checkpoints import GpenModel
from ..faces.detectors.base import FaceDetector
from ..faces.parsing import FaceParser
from ..faces.selection import Reference
from ..pipeline.clip import VideoOptions
from ..pipeline.options import Settings
from ..pipeline.protect import ProtectTools
from .codecs import EncodeOptions


@dataclass(frozen=True, eq=False)
class ClipTools:
    """What a clip is restored with.

    Attributes:
        model: Restores faces.
        detector: Finds them.
        settings: Which faces, how, and the size of the result.
        video: How steady faces are held.
        parser: Draws the outline of each face; without one it is an oval.
        reference: Only this person's faces are restored.
        protect: Networks that protecting uses.
        encode: How the result is encoded.
    """

    model: GpenModel
    detector: FaceDetector
    settings: Settings = Settings()
    video: VideoOptions = VideoOptions()
    parser: FaceParser | None = None
    reference: Reference | None = None
    protect: ProtectTools = ProtectTools()
    encode: EncodeOptions = EncodeOptions()

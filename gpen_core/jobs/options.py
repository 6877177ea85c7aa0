"""What a run was asked for, as plain values: they can be compared, written down, and sent to another machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError
from ..faces.detectors import DetectOptions
from ..faces.selection import SAME_PERSON
from ..imaging.files import MOST_MEGAPIXELS
from ..modes import AUTO
from ..pipeline import Settings
from ..pipeline.clip import VideoOptions
from ..video.codecs import EncodeOptions
from ..video.segments import SEGMENT_FRAMES
from .companions import Companions

MASKS = (AUTO, "ellipse", "parsing")


@dataclass(frozen=True)
class Person:
    """Whose faces are restored.

    Attributes:
        picture: A picture of this person; its largest face counts.
        similarity: How similar a face must be; 1 = the same picture.
    """

    picture: Path
    similarity: float = SAME_PERSON


@dataclass(frozen=True)
class ToolOptions:
    """What decides about a result beside the picture itself. Raises OptionError.

    Attributes:
        model: The checkpoint's file.
        folders: Where other weights are looked for, first ones first.
        task: What the model was trained for, if its file doesn't say.
        device: "auto" or a name of torch's, such as "cuda:1".
        precision: "float32", "float16" or "bfloat16".
        detector: "auto", a name or a file.
        detect: Settings of the detector.
        aligned: Each image is one face, cropped and aligned already: nothing is detected.
        mask: "auto" (parsing where its weights are installed), "ellipse" or "parsing".
        person: Only this person's faces are restored; None: anybody's.
        settings: Which faces, how, and the size of the result.
        video: How faces of clips are held steady.
        upscaler: A network that enlarges whole images before faces are blended in; None: none.
    """

    model: Path
    folders: tuple[Path, ...] = ()
    task: str | None = None
    device: str = AUTO
    precision: str = "float32"
    detector: str = AUTO
    detect: DetectOptions = DetectOptions()
    aligned: bool = False
    mask: str = AUTO
    person: Person | None = None
    settings: Settings = Settings()
    video: VideoOptions = VideoOptions()
    upscaler: Path | None = None

    def __post_init__(self) -> None:
        if self.mask not in MASKS:
            raise OptionError(f"unknown mask '{self.mask}'. Known: {', '.join(MASKS)}.")


@dataclass(frozen=True)
class FileOptions:
    """How files are read and written.

    Attributes:
        max_megapixels: Larger pictures are refused before any memory is taken.
        quality: Of JPEG and WebP files, 1 … 100; None: 95.
        start: Seconds at which clips begin.
        end: Seconds at which they stop; None: at their end.
        encode: How clips are encoded.
        companions: Masks and backgrounds that go with the pictures.
        retries: How often a transfer from or to an address is tried again.
        segment_frames: A clip is cut at the first change of the scene after so many frames.
    """

    max_megapixels: float = MOST_MEGAPIXELS
    quality: int | None = None
    start: float = 0.0
    end: float | None = None
    encode: EncodeOptions = EncodeOptions()
    companions: Companions = Companions()
    retries: int = 2
    segment_frames: int = SEGMENT_FRAMES

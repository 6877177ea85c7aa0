"""Which codec a clip is written in, and which kinds of files take it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..modes import AUTO
from .codec_names import CODECS, ENCODERS

if TYPE_CHECKING:
    from .info import ClipInfo

DEFAULT_CRF = {"h264": 16, "hevc": 18, "vp9": 24, "av1": 22}
_CONTAINERS = {
    ".mp4": ("h264", "hevc", "av1", "vp9"),
    ".m4v": ("h264", "hevc"),
    ".mov": ("h264", "hevc", "prores"),
    ".webm": ("vp9", "av1"),
    ".mkv": tuple(ENCODERS),
}
_MOST_CRF = 63


@dataclass(frozen=True)
class EncodeOptions:
    """How a clip is encoded. Raises OptionError for values outside their range.

    Attributes:
        codec: "h264", "hevc", "vp9", "av1", "prores", "ffv1", or "auto": the source's where the file's kind takes it.
        crf: Constant quality, 0 (best) … 63; None: one at which nobody sees a loss. ProRes and FFV1 have none.
    """

    codec: str = AUTO
    crf: int | None = None

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise OptionError(f"unknown codec '{self.codec}'. Known: {', '.join(CODECS)}.")
        if self.crf is not None and not 0 <= self.crf <= _MOST_CRF:
            raise OptionError(f"crf must be from 0 to {_MOST_CRF}, not {self.crf}")


def codec_for(options: EncodeOptions, info: ClipInfo, suffix: str) -> str:
    """The codec to write. Raises OptionError where files of this kind do not take the one asked for."""
    taken = _CONTAINERS.get(suffix.lower())
    if taken is None:
        raise OptionError(f"cannot write '{suffix}' clips. Choose one of {', '.join(_CONTAINERS)}.")
    if options.codec == AUTO:
        return info.codec if info.codec in taken else taken[0]
    if options.codec not in taken:
        raise OptionError(f"{suffix} files do not take {options.codec}: choose one of {', '.join(taken)}, or .mkv")
    return options.codec


def suffix_for(options: EncodeOptions, source: Path | object) -> str:
    """The ending of a new file for a clip: the source's where it is written and takes the codec, else one that takes it."""
    own = source.suffix.lower() if isinstance(source, Path) else ""
    if own in _CONTAINERS and (options.codec == AUTO or options.codec in _CONTAINERS[own]):
        return own
    return next((kind for kind, taken in _CONTAINERS.items() if options.codec in taken), ".mp4")

"""Which files are clips, and the package that reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from ..commands import pip_install
from ..errors import ImageError, OptionError

CLIP_EXTENSIONS = (
    ".mp4",
    ".mov",
    ".mkv",
    ".webm",
    ".m4v",
    ".avi",
    ".mpg",
    ".mpeg",
    ".ts",
    ".m2ts",
    ".mts",
    ".wmv",
    ".3gp",
    ".gif",
    ".apng",
)
WRITABLE_CLIPS = (".mp4", ".mov", ".mkv", ".webm", ".m4v", ".gif", ".apng")


def is_clip(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a film by its name."""
    return Path(path).suffix.lower() in CLIP_EXTENSIONS


def pyav() -> ModuleType:
    """The package av. Raises OptionError where it is not installed."""
    try:
        import av
    except ImportError as error:
        raise OptionError(f"clips need the Python package av ({error}): {pip_install('av')}") from error
    module: ModuleType = av
    return module


@contextmanager
def writing(name: str) -> Iterator[None]:
    """What FFmpeg refuses is an ImageError that names the file; a full disk and the like stay what they are."""
    try:
        yield
    except pyav().FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise ImageError(f"{name}: cannot be written ({error})") from error


def converting(av: ModuleType) -> Any:
    """How FFmpeg converts between YUV and RGB: as exactly as it can. Without these flags, colors shift by a step of 8 bits."""
    kinds = av.video.reformatter.Interpolation
    exact = [getattr(kinds, name, 0) for name in ("BICUBIC", "ACCURATE_RND", "FULL_CHR_H_INT", "FULL_CHR_H_INP")]
    return exact[0] | exact[1] | exact[2] | exact[3] if all(exact) else kinds.BICUBIC

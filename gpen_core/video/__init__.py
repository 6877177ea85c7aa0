"""Clips in and out of files, as streams."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .files import CLIP_EXTENSIONS, is_clip
    from .info import ClipInfo
    from .read import ClipReader, open_clip
    from .restore import ClipReport, ClipTools, restore_clip
    from .write import ClipWriter, EncodeOptions

__all__ = [
    "CLIP_EXTENSIONS",
    "ClipInfo",
    "ClipReader",
    "ClipReport",
    "ClipTools",
    "ClipWriter",
    "EncodeOptions",
    "is_clip",
    "open_clip",
    "restore_clip",
]

__getattr__ = lazy_names(
    __name__,
    {
        "files": ("CLIP_EXTENSIONS", "is_clip"),
        "info": ("ClipInfo",),
        "read": ("ClipReader", "open_clip"),
        "restore": ("ClipReport", "ClipTools", "restore_clip"),
        "write": ("ClipWriter", "EncodeOptions"),
    },
)

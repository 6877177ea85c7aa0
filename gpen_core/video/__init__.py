"""Clips in and out of files, as streams."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .codecs import EncodeOptions, suffix_for
    from .files import CLIP_EXTENSIONS, is_clip
    from .info import ClipInfo
    from .read import ClipReader, open_clip
    from .report import ClipReport
    from .restore import restore_clip
    from .tools import ClipTools
    from .write import ClipWriter

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
    "suffix_for",
]

__getattr__ = lazy_names(
    __name__,
    {
        "codecs": ("EncodeOptions", "suffix_for"),
        "files": ("CLIP_EXTENSIONS", "is_clip"),
        "info": ("ClipInfo",),
        "read": ("ClipReader", "open_clip"),
        "report": ("ClipReport",),
        "restore": ("restore_clip",),
        "tools": ("ClipTools",),
        "write": ("ClipWriter",),
    },
)

"""Clips: scan → smooth → choose → restore → steady → blend, a few frames at a time."""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .batch import restored_along, scan_faces, track_faces
    from .moment import Moment
    from .options import VideoOptions, looks_like_video
    from .stream import restore_stream

__all__ = [
    "Moment",
    "VideoOptions",
    "looks_like_video",
    "restore_stream",
    "restored_along",
    "scan_faces",
    "track_faces",
]

__getattr__ = lazy_names(
    __name__,
    {
        "batch": ("restored_along", "scan_faces", "track_faces"),
        "moment": ("Moment",),
        "options": ("VideoOptions", "looks_like_video"),
        "stream": ("restore_stream",),
    },
)

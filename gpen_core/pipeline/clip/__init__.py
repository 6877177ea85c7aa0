"""Clips: scan → smooth → choose → restore → steady → blend, a few frames at a time."""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .batch import restore_along, restored_along, scan_faces, track_faces
    from .likeness import looks_like_video, video_options_for
    from .moment import Moment
    from .options import VideoOptions
    from .parts import PartEnd, restore_part, track_part, with_lead
    from .stream import restore_stream

__all__ = [
    "Moment",
    "PartEnd",
    "VideoOptions",
    "looks_like_video",
    "restore_along",
    "restore_part",
    "restore_stream",
    "restored_along",
    "scan_faces",
    "track_faces",
    "track_part",
    "video_options_for",
    "with_lead",
]

__getattr__ = lazy_names(
    __name__,
    {
        "batch": ("restore_along", "restored_along", "scan_faces", "track_faces"),
        "likeness": ("looks_like_video", "video_options_for"),
        "moment": ("Moment",),
        "options": ("VideoOptions",),
        "parts": ("PartEnd", "restore_part", "track_part", "with_lead"),
        "stream": ("restore_stream",),
    },
)

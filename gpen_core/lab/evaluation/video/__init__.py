"""How steady a restored clip is, measured on clips whose motion is known."""

from .clips import Clip, Motion, blinking, coded, moving, noisy, smooth_motion
from .measure import VideoMeasures, measure_clip

__all__ = [
    "Clip",
    "Motion",
    "VideoMeasures",
    "blinking",
    "coded",
    "measure_clip",
    "moving",
    "noisy",
    "smooth_motion",
]

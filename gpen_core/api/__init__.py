"""What a Python program calls: load a model, restore a picture, or take the steps one by one.

``import gpen_core`` exports all of it; nothing is imported before it is used.
"""

from .loading import load_detector, load_model, load_parser, load_protect_tools
from .restoring import restore, restore_frames
from .steps import align, blend, detect, load_reference

__all__ = [
    "align",
    "blend",
    "detect",
    "load_detector",
    "load_model",
    "load_parser",
    "load_protect_tools",
    "load_reference",
    "restore",
    "restore_frames",
]

"""detect → select → align → restore → blend, over batches of frames."""

from .blend import Blended, blend_faces
from .detect import detect_faces
from .hooks import Hooks, Progress
from .options import BlendOptions, RestoreOptions
from .restore import restore_faces
from .run import Restoration, Settings, restore_image

__all__ = [
    "BlendOptions",
    "Blended",
    "Hooks",
    "Progress",
    "Restoration",
    "RestoreOptions",
    "Settings",
    "blend_faces",
    "detect_faces",
    "restore_faces",
    "restore_image",
]

"""detect → select → align → restore → protect → blend, over batches of frames."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .blend import Blended, blend_faces
    from .blend_options import BlendOptions
    from .crops import crop_faces, with_crops
    from .detect import detect_faces
    from .hooks import Hooks, Progress
    from .options import ProtectOptions, RestoreOptions, Settings
    from .protect import ProtectTools, load_protect_tools, protect_faces, protections_for
    from .rate import rate_faces
    from .restore import restore_faces
    from .run import Restoration, restore_image

__all__ = [
    "BlendOptions",
    "Blended",
    "Hooks",
    "Progress",
    "ProtectOptions",
    "ProtectTools",
    "Restoration",
    "RestoreOptions",
    "Settings",
    "blend_faces",
    "crop_faces",
    "detect_faces",
    "load_protect_tools",
    "protect_faces",
    "protections_for",
    "rate_faces",
    "restore_faces",
    "restore_image",
    "with_crops",
]

__getattr__ = lazy_names(
    __name__,
    {
        "blend_options": ("BlendOptions",),
        "blend": ("Blended", "blend_faces"),
        "crops": ("crop_faces", "with_crops"),
        "detect": ("detect_faces",),
        "hooks": ("Hooks", "Progress"),
        "options": ("ProtectOptions", "RestoreOptions", "Settings"),
        "protect": ("ProtectTools", "load_protect_tools", "protect_faces", "protections_for"),
        "rate": ("rate_faces",),
        "restore": ("restore_faces",),
        "run": ("Restoration", "restore_image"),
    },
)

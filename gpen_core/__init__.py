"""GPEN in PyTorch: restores blurred, noisy, compressed faces. Knows nothing of ComfyUI.

>>> from PIL import Image
>>> model = gpen_core.load_model()  # or a name, "GPEN-BFR-512", or a file
>>> gpen_core.restore(Image.open("photo.jpg"), model).save("restored.jpg")

Step by step:

>>> for face in gpen_core.detect(picture):
...     crop = gpen_core.align(picture, face, model)
...     restored = gpen_core.RestoredFace(crop, model(crop.pixels[None])[0], model.task.name)
...     picture = gpen_core.blend(picture, [restored])
"""

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from .api import (
        align,
        blend,
        detect,
        load_detector,
        load_model,
        load_parser,
        load_protect_tools,
        load_reference,
        restore,
        restore_frames,
    )
    from .checkpoints import GpenModel
    from .errors import GpenError
    from .faces.detectors import DetectOptions
    from .faces.regions import RegionOptions
    from .faces.selection import SelectOptions, choose_faces
    from .model import Gpen, GpenConfig
    from .pipeline import BlendOptions, ProtectOptions, ProtectTools, Restoration, RestoreOptions, Settings
    from .types import Face, FaceCrop, FaceFacts, RestoredFace

__version__ = "0.1.0"

__all__ = [
    "BlendOptions",
    "DetectOptions",
    "Face",
    "FaceCrop",
    "FaceFacts",
    "Gpen",
    "GpenConfig",
    "GpenError",
    "GpenModel",
    "ProtectOptions",
    "ProtectTools",
    "RegionOptions",
    "Restoration",
    "RestoreOptions",
    "RestoredFace",
    "SelectOptions",
    "Settings",
    "align",
    "blend",
    "choose_faces",
    "detect",
    "load_detector",
    "load_model",
    "load_parser",
    "load_protect_tools",
    "load_reference",
    "restore",
    "restore_frames",
]

__getattr__ = lazy_names(
    __name__,
    {
        "api": (
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
        ),
        "checkpoints": ("GpenModel", "load_checkpoint"),  # the latter is what load_model calls
        "errors": ("GpenError",),
        "faces.detectors": ("DetectOptions",),
        "faces.regions": ("RegionOptions",),
        "faces.selection": ("SelectOptions", "choose_faces"),
        "model": ("Gpen", "GpenConfig"),
        "pipeline": ("BlendOptions", "ProtectOptions", "ProtectTools", "Restoration", "RestoreOptions", "Settings"),
        "types": ("Face", "FaceCrop", "FaceFacts", "RestoredFace"),
    },
)

"""GPEN in PyTorch: restores blurred, noisy, compressed faces. Knows nothing of ComfyUI.

>>> model = gpen_core.load_checkpoint("GPEN-BFR-512.pth")
>>> restored = model(crops)  # [N, 3, 512, 512] RGB in [0, 1], aligned faces
"""

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from .checkpoints import GpenModel, load_checkpoint
    from .errors import GpenError
    from .model import Gpen, GpenConfig
    from .types import Face, FaceCrop, RestoredFace

__version__ = "0.1.0"

__all__ = [
    "Face",
    "FaceCrop",
    "Gpen",
    "GpenConfig",
    "GpenError",
    "GpenModel",
    "RestoredFace",
    "load_checkpoint",
]

__getattr__ = lazy_names(
    __name__,
    {
        "checkpoints": ("GpenModel", "load_checkpoint"),
        "errors": ("GpenError",),
        "model": ("Gpen", "GpenConfig"),
        "types": ("Face", "FaceCrop", "RestoredFace"),
    },
)

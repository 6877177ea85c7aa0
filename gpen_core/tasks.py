"""What a GPEN model can be trained for. No weight tells it; files, options and the catalog name it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Task:
    """What a model was trained for. ``unshifted``: its input is [0, 1], not moved to [-1, 1]. ``keeps_colors``: the face
    comes out in the colours that it came in with, so that they may be matched."""

    name: str
    purpose: str
    template: str = "gpen"
    unshifted: bool = False
    keeps_colors: bool = False


TASKS = MappingProxyType(
    {
        "restoration": Task("restoration", "blurred, noisy, compressed faces → clean faces", keeps_colors=True),
        "restoration-ffhq": Task(
            "restoration-ffhq", "blurred, noisy, compressed faces, aligned as FFHQ's → clean faces", template="ffhq",
            keeps_colors=True,
        ),
        "colorization": Task("colorization", "grey faces → coloured faces", template="ffhq"),
        "inpainting": Task("inpainting", "faces painted over in white → whole faces", template="ffhq"),
        "seg2face": Task("seg2face", "segmentation colours → faces", template="ffhq", unshifted=True),
    }
)  # fmt: skip

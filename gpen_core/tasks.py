"""What a GPEN model can be trained for. The weights don't tell; file metadata, options or the catalog do."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Task:
    """What a model was trained for.

    Attributes:
        name: Identifies the task.
        purpose: Input → output, for the user.
        template: Alignment template of the training faces.
        unshifted: What the network takes and gives is in [0, 1] instead of [-1, 1].
        keeps_colors: The output has the colors of the input, so they can be matched to the original.
    """

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
        "colorization": Task("colorization", "grayscale faces → color faces", template="ffhq"),
        "inpainting": Task("inpainting", "faces with white areas → complete faces", template="ffhq"),
        "seg2face": Task("seg2face", "segmentation colors → faces", template="ffhq", unshifted=True),
    }
)  # fmt: skip

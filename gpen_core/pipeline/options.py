"""Settings of a run, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError, check_numbers, check_texts
from ..faces.selection import SelectOptions
from ..geometry import TEMPLATES
from ..modes import AUTO, PROTECT_MODES
from .blend_options import BlendOptions


@dataclass(frozen=True)
class RestoreOptions:
    """How faces go through the network. Raises OptionError for values outside their range.

    Attributes:
        template: Alignment template, or "auto" for the one the model's task was trained with.
        batch_size: Faces at a time, or 0 to choose by the model's size and device.
        memory_mib: What a batch may take beside the weights, in MiB: faces at a time are fewer where it needs that, one at
            least. 0: no bound.
        whole_picture: The model is given whole pictures, stretched to its size, as the published demo does, and not faces. For
            tasks that allow it (``Task.whole_pictures``); needs no detector.
    """

    template: str = AUTO
    batch_size: int = 0
    memory_mib: int = 0
    whole_picture: bool = False

    def __post_init__(self) -> None:
        check_numbers(self, "batch_size", "memory_mib")
        check_texts(self, "template")
        if self.template != AUTO and self.template not in TEMPLATES:
            raise OptionError(f"unknown alignment template '{self.template}'. Known: auto, {', '.join(TEMPLATES)}.")
        if self.batch_size < 0:
            raise OptionError(f"batch_size must be at least 0 (automatic), not {self.batch_size}")
        if self.memory_mib < 0:
            raise OptionError(f"memory_mib must be at least 0 (no bound), not {self.memory_mib}")


@dataclass(frozen=True)
class ProtectOptions:
    """What of a face is kept from the model. Raises OptionError for values outside their range.

    Attributes:
        mode: "auto": good faces are changed little or not at all, and the picture keeps detail that the model cannot hold.
            "off": the restoration is taken as it is, down to ``min_similarity``.
        min_similarity: The least similarity of the restored and the original face, in [0, 1]; strength is lowered until it
            holds, in either mode. 0: any. Needs a recognition network.
    """

    mode: str = AUTO
    min_similarity: float = 0.0

    def __post_init__(self) -> None:
        check_numbers(self, "min_similarity")
        check_texts(self, "mode")
        if self.mode not in PROTECT_MODES:
            raise OptionError(f"unknown protection '{self.mode}'. Known: {', '.join(PROTECT_MODES)}.")
        if not 0 <= self.min_similarity <= 1:
            raise OptionError(f"min_similarity must be from 0 to 1, not {self.min_similarity}")


@dataclass(frozen=True)
class Settings:
    """All settings of a run.

    Attributes:
        select: Which of the faces found are worked on.
        restore: Alignment and size of a batch.
        blend: Scale, strength, softness and color matching.
        protect: What of a face is kept from the model.
    """

    select: SelectOptions = SelectOptions()
    restore: RestoreOptions = RestoreOptions()
    blend: BlendOptions = BlendOptions()
    protect: ProtectOptions = ProtectOptions()

"""Progress, previews and cancellation in ComfyUI."""

from __future__ import annotations

from dataclasses import replace

import torch.nn.functional as F
from comfy import model_management
from comfy.utils import ProgressBar
from PIL import Image
from torch import Tensor

from ...gpen_core.pipeline.hooks import Hooks
from . import memory
from .status import NodeStatus

_PREVIEW_SIDE = 512


class NodeProgress:
    """A Progress callback: one bar per node, restarted for each stage.

    Stages overlap (a frame is blended while the next is restored), so only a later stage may take over the bar, and
    blending shows only when nothing is restored.
    """

    _RANK = ("blend", "detect", "restore", "sample")

    def __init__(self) -> None:
        self._bar = ProgressBar(1)
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
        """Report progress. Raises ComfyUI's interrupt exception if the user has cancelled."""
        model_management.throw_exception_if_processing_interrupted()
        if self._stage and self._RANK.index(stage) < self._RANK.index(self._stage):
            return
        self._stage = stage
        shown = None if preview is None else ("JPEG", _thumbnail(preview), _PREVIEW_SIDE)
        self._bar.update_absolute(done, total, shown)


def node_hooks(status: NodeStatus | None = None) -> Hooks:
    """Hooks for one run of a node. What the run has to say goes into its status, if it has one, else into the log."""
    hooks = Hooks(NodeProgress(), memory.is_out_of_memory, memory.free_memory)
    return hooks if status is None else replace(hooks, say=status.say)


def _thumbnail(picture: Tensor) -> Image.Image:
    """[3 or more, h, w] RGB in [0, 1] → an image of at most 512 px."""
    picture = picture[None, :3].float()
    scale = min(1.0, _PREVIEW_SIDE / max(picture.shape[2:]))
    if scale < 1:
        size = [max(1, round(side * scale)) for side in picture.shape[2:]]
        picture = F.interpolate(picture, size=size, mode="area")
    array = picture[0].clamp(0, 1).mul(255).byte().movedim(0, -1).cpu().numpy()
    return Image.fromarray(array)

"""Progress, previews and cancellation in ComfyUI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch.nn.functional as F
from comfy import model_management
from comfy.utils import ProgressBar
from comfy_execution.utils import get_executing_context
from PIL import Image
from server import PromptServer
from torch import Tensor

from . import memory
from .status import NodeStatus

if TYPE_CHECKING:
    from ...gpen_core.pipeline import Hooks

# The stages of a node's job, in their order, and about which share of its time each takes. They may overlap.
WHOLE_JOB: Mapping[str, float] = {"detect": 0.2, "restore": 0.75, "blend": 0.05}
CHOSEN_FACES: Mapping[str, float] = {"restore": 0.95, "blend": 0.05}
_STEPS = 1000  # of the bar
_LARGEST_FRAME = 1024  # pixels: a preview of a whole frame; faces are shown at the size that the model makes


class NodeProgress:
    """A Progress callback: one bar over all stages of a node's job, which is full when the last one is done.

    Args:
        shares: The stages, and about which share of the time each takes.
        tells_time: Whether the node says how much longer it will run.
    """

    def __init__(self, shares: Mapping[str, float], *, tells_time: bool = False) -> None:
        from ...gpen_core.pipeline.remaining import Remaining

        self._remaining = Remaining() if tells_time else None
        context = get_executing_context()
        self._node_id = None if context is None else context.node_id
        self._shares, self._done = shares, dict.fromkeys(shares, 0.0)
        self._main, self._last = max(shares, key=lambda stage: shares[stage]), list(shares)[-1]
        self._bar = ProgressBar(_STEPS)

    def __call__(self, stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
        """Report progress. Raises ComfyUI's interrupt exception if the user has cancelled."""
        model_management.throw_exception_if_processing_interrupted()
        self._done[stage] = min(done / max(total, 1), 1.0)  # how many frames a video has is a guess
        full = stage == self._last and done == total
        place = 1.0 if full else sum(share * self._done[each] for each, share in self._shares.items())
        shown = None
        if preview is not None and stage == self._main:
            shown = ("JPEG", _picture(preview, None if stage != "blend" else _LARGEST_FRAME), None)
        self._bar.update_absolute(round(_STEPS * place), _STEPS, shown)
        if self._remaining is not None and self._node_id is not None and total:
            self._tell(self._remaining.text(place), over=full)

    def _tell(self, text: str | None, *, over: bool) -> None:
        """Below the node. Newer pages take the text away when the run ends; older ones are given an empty one."""
        if text is not None or over:
            PromptServer.instance.send_progress_text(text or "", self._node_id)


def node_hooks(
    status: NodeStatus | None = None, shares: Mapping[str, float] = WHOLE_JOB, *, tells_time: bool = False
) -> Hooks:
    """Hooks for one run of a node.

    Args:
        status: Takes what the run has to say; without one, the log does.
        shares: The stages of the job, such as ``{"detect": 1.0}``.
        tells_time: Whether the node says how much longer it will run: for what takes minutes.
    """
    from ...gpen_core.pipeline import Hooks

    hooks = Hooks(
        progress=NodeProgress(shares, tells_time=tells_time),
        poll=model_management.throw_exception_if_processing_interrupted,
        is_out_of_memory=memory.is_out_of_memory,
        free_memory=memory.free_memory,
    )
    return hooks if status is None else replace(hooks, say=status.say, warn=status.warn)


def _picture(pixels: Tensor, largest: int | None) -> Image.Image:
    """[3 or more, h, w] RGB in [0, 1] → an image, of at most ``largest`` px."""
    pixels = pixels[None, :3].float()
    scale = 1.0 if largest is None else min(1.0, largest / max(pixels.shape[2:]))
    if scale < 1:
        size = [max(1, round(side * scale)) for side in pixels.shape[2:]]
        pixels = F.interpolate(pixels, size=size, mode="area")
    array = pixels[0].clamp(0, 1).mul(255).byte().movedim(0, -1).cpu().numpy()
    return Image.fromarray(array)

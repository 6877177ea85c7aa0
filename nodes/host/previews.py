"""Pictures that a widget draws: small copies in ComfyUI's temporary folder, which the page fetches from ``/view``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import folder_paths
import torch.nn.functional as F
from torch import Tensor

from ...gpen_core.imaging.files import as_image

_LONGEST_SIDE = 2048  # pixels: what a screen shows of a picture, zoomed once
_QUALITY = 90


def save_previews(frames: Tensor, numbers: Iterable[int], prefix: str) -> list[dict[str, object]]:
    """Save small copies of some frames.

    Args:
        frames: [B, 3 or more, H, W] RGB in [0, 1].
        numbers: Which frames.
        prefix: Beginning of the file names.

    Returns:
        For each: filename, subfolder and type as ``/view`` takes them, frame, and width and height of the frame itself.
    """
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    saved: list[dict[str, object]] = []
    for number in numbers:
        height, width = frames.shape[-2:]
        name = f"{prefix}_{uuid4().hex[:12]}.jpg"
        as_image(_small(frames[number, :3].float().cpu())).save(folder / name, quality=_QUALITY)
        saved.append(
            {"filename": name, "subfolder": "", "type": "temp", "frame": number, "width": width, "height": height}
        )
    return saved


def _small(frame: Tensor) -> Tensor:
    scale = _LONGEST_SIDE / max(frame.shape[1:])
    if scale >= 1:
        return frame
    size = [max(1, round(side * scale)) for side in frame.shape[1:]]
    return F.interpolate(frame[None], size=size, mode="area")[0]

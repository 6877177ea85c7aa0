"""Pictures that a widget draws: files in ComfyUI's temporary folder, which the page fetches from ``/view``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import folder_paths
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

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
    saved: list[dict[str, object]] = []
    for number in numbers:
        height, width = frames.shape[-2:]
        entry, path = _new_file(prefix, "jpg")
        _image(_small(frames[number, :3].float().cpu())).save(path, quality=_QUALITY)
        saved.append(entry | {"frame": number, "width": width, "height": height})
    return saved


def save_exact(frame: Tensor, prefix: str) -> dict[str, object]:
    """Save a frame as it is, for looking at its pixels.

    Args:
        frame: [3 or more, H, W] RGB in [0, 1].
        prefix: Beginning of the file's name.

    Returns:
        filename, subfolder and type, as ``/view`` takes them.
    """
    entry, path = _new_file(prefix, "png")
    _image(frame[:3].float().cpu()).save(path, compress_level=1)
    return entry


def _image(pixels: Tensor) -> Image.Image:
    from ...gpen_core.imaging.files import as_image  # not before it is needed: it brings in color management

    return as_image(pixels)


def _new_file(prefix: str, suffix: str) -> tuple[dict[str, object], Path]:
    """What the page needs to fetch a new file, and where to write it."""
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{prefix}_{uuid4().hex[:12]}.{suffix}"
    return {"filename": name, "subfolder": "", "type": "temp"}, folder / name


def _small(frame: Tensor) -> Tensor:
    scale = _LONGEST_SIDE / max(frame.shape[1:])
    if scale >= 1:
        return frame
    size = [max(1, round(side * scale)) for side in frame.shape[1:]]
    return F.interpolate(frame[None], size=size, mode="area")[0]

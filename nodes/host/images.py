"""Converts between ComfyUI's IMAGE and MASK and the core's frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from comfy import model_management
from torch import Tensor

from .status import NodeStatus

if TYPE_CHECKING:
    from ...gpen_core.types import Box, Face


def to_frames(image: Tensor, status: NodeStatus, name: str = "image") -> Tensor:
    """IMAGE [B, H, W, C] → frames [B, 3 or 4, H, W] in [0, 1], float32, on the same device.

    ``status`` hears of what was not quite in order; what cannot be a picture raises ImageError, which names the input.
    """
    from ...gpen_core.imaging.batches import frames_of_batch

    return frames_of_batch(image, status.warn, name)


def to_image(frames: Tensor) -> Tensor:
    """[B, C, H, W] → IMAGE [B, H, W, C], on the device and in the dtype that ComfyUI keeps between nodes."""
    return _between_nodes(frames.movedim(1, -1))


def to_mask(mask: Tensor) -> Tensor:
    """[B, 1, H, W] → MASK [B, H, W]."""
    return _between_nodes(mask[:, 0])


def from_mask(mask: Tensor) -> Tensor:
    """MASK → [B, 1, H, W], float32, on the same device. Raises ImageError for what can be no mask."""
    from ...gpen_core.imaging.batches import masks_of_batch

    return masks_of_batch(mask)


def to_bounding_boxes(faces: Sequence[Face], frames: int, size: tuple[int, int]) -> list[list[dict[str, object]]]:
    """ComfyUI's BOUNDING_BOX: one list per frame of boxes in whole pixels, clipped to the frame, with label and score."""
    from ...gpen_core.faces.moving import resized_with

    boxes: list[list[dict[str, object]]] = [[] for _ in range(frames)]
    height, width = size
    for face in faces:
        face = resized_with(face, size)
        x0, y0 = max(0, round(face.box[0])), max(0, round(face.box[1]))
        x1, y1 = min(width, round(face.box[2])), min(height, round(face.box[3]))
        boxes[face.frame].append(box_of((x0, y0, max(x0 + 1, x1), max(y0 + 1, y1))) | {"score": face.score})
    return boxes


def box_of(box: Box) -> dict[str, object]:
    """One box of ComfyUI's BOUNDING_BOX, in whole pixels, one at least, with a label."""
    x0, y0, x1, y1 = (round(side) for side in box)
    return {"x": x0, "y": y0, "width": max(1, x1 - x0), "height": max(1, y1 - y0), "label": "face"}


def _between_nodes(tensor: Tensor) -> Tensor:
    wanted = getattr(model_management, "intermediate_dtype", lambda: torch.float32)()
    return tensor.to(model_management.intermediate_device(), wanted).contiguous()

"""Converts between ComfyUI's IMAGE and MASK and the core's frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from comfy import model_management
from torch import Tensor

if TYPE_CHECKING:
    from ...gpen_core.types import Face


def to_frames(image: Tensor) -> Tensor:
    """IMAGE [B, H, W, C] → frames [B, C, H, W], float32, on the same device."""
    return image.movedim(-1, 1).float()


def to_image(frames: Tensor) -> Tensor:
    """[B, C, H, W] → IMAGE [B, H, W, C], on the device and in the dtype that ComfyUI keeps between nodes."""
    return _between_nodes(frames.movedim(1, -1))


def to_mask(mask: Tensor) -> Tensor:
    """[B, 1, H, W] → MASK [B, H, W]."""
    return _between_nodes(mask[:, 0])


def from_mask(mask: Tensor) -> Tensor:
    """MASK [B, H, W] or [H, W] → [B, 1, H, W], float32, on the same device."""
    return mask.reshape(-1, 1, *mask.shape[-2:]).float()


def to_bounding_boxes(faces: Sequence[Face], frames: int, size: tuple[int, int]) -> list[list[dict[str, object]]]:
    """ComfyUI's BOUNDING_BOX: one list per frame of boxes in whole pixels, clipped to the frame, with label and score."""
    boxes: list[list[dict[str, object]]] = [[] for _ in range(frames)]
    for face in faces:
        x0, y0 = max(0, round(face.box[0])), max(0, round(face.box[1]))
        x1, y1 = min(size[1], round(face.box[2])), min(size[0], round(face.box[3]))
        boxes[face.frame].append(
            {
                "x": x0,
                "y": y0,
                "width": max(1, x1 - x0),
                "height": max(1, y1 - y0),
                "label": "face",
                "score": face.score,
            }
        )
    return boxes


def _between_nodes(tensor: Tensor) -> Tensor:
    wanted = getattr(model_management, "intermediate_dtype", lambda: torch.float32)()
    return tensor.to(model_management.intermediate_device(), wanted).contiguous()

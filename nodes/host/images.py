"""ComfyUI's IMAGE and MASK to the core's frames and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from comfy import model_management
from torch import Tensor

from ...gpen_core.types import Face


def to_frames(image: Tensor) -> Tensor:
    """IMAGE [B, H, W, C] → frames [B, C, H, W], float32, where they are."""
    return image.movedim(-1, 1).float()


def to_image(frames: Tensor) -> Tensor:
    """[B, C, H, W] → IMAGE [B, H, W, C], where and as the host keeps such things between nodes."""
    return _between_nodes(frames.movedim(1, -1))


def to_mask(mask: Tensor) -> Tensor:
    """[B, 1, H, W] → MASK [B, H, W]."""
    return _between_nodes(mask[:, 0])


def to_bounding_boxes(faces: Sequence[Face], frames: int) -> list[list[dict[str, object]]]:
    """Core's BOUNDING_BOX: for each frame a list of boxes in whole pixels, with label and score."""
    boxes: list[list[dict[str, object]]] = [[] for _ in range(frames)]
    for face in faces:
        boxes[face.frame].append(
            {
                "x": round(face.box[0]),
                "y": round(face.box[1]),
                "width": round(face.width),
                "height": round(face.height),
                "label": "face",
                "score": face.score,
            }
        )
    return boxes


def _between_nodes(tensor: Tensor) -> Tensor:
    wanted = getattr(model_management, "intermediate_dtype", lambda: torch.float32)()
    return tensor.to(model_management.intermediate_device(), wanted).contiguous()

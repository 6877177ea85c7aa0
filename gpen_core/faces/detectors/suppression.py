"""One face, one detection: suppression of overlapping boxes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def greedy_keep(boxes: Tensor, scores: Tensor, *, max_iou: float = 1.0, max_share_of_smaller: float = 1.0) -> Tensor:
    """boxes: [N, 4], scores: [N] → indices of the boxes to keep, best first.

    A box goes when a better one that stays overlaps it by more than ``max_iou`` (intersection over union) or covers more
    than ``max_share_of_smaller`` of the smaller of the two: the second catches a nose found as a face inside a face.
    """
    order = scores.argsort(descending=True, stable=True)
    sorted_boxes = boxes[order]
    intersection, smaller, union = _overlaps(sorted_boxes)
    clash = ((intersection > max_iou * union) | (intersection > max_share_of_smaller * smaller)).numpy()
    alive = np.ones(len(order), dtype=bool)  # NumPy's short operations take a third of torch's time
    for index in range(len(order)):
        if alive[index]:
            alive[index + 1 :] &= ~clash[index, index + 1 :]
    return order[torch.from_numpy(alive)]


def _overlaps(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """boxes: [N, 4] → intersection, smaller area and union of every pair, each [N, N]."""
    corner = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    intersection = (torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - corner).clamp(min=0).prod(dim=2)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)
    return intersection, torch.minimum(area[:, None], area[None, :]), area[:, None] + area[None, :] - intersection

"""One face, one detection: suppression of overlapping boxes."""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch import Tensor

from ...polling import current_poll

_BLOCK = 256  # boxes


def greedy_keep(boxes: Tensor, scores: Tensor, *, max_iou: float = 1.0, max_share_of_smaller: float = 1.0) -> Tensor:
    """boxes: [N, 4], scores: [N] → indices of the boxes to keep, best first.

    A box goes when a better one that stays overlaps it by more than ``max_iou`` (intersection over union) or covers more
    than ``max_share_of_smaller`` of the smaller of the two: the second catches a nose found as a face inside a face.
    """
    order = scores.argsort(descending=True, stable=True)
    sorted_boxes = boxes[order]
    intersection, smaller, union = _overlaps(sorted_boxes)
    clash = ((intersection > max_iou * union) | (intersection > max_share_of_smaller * smaller)).numpy()
    return order[torch.from_numpy(_survivors(clash))]


def nms(boxes: Tensor, scores: Tensor, max_iou: float, groups: Tensor | None = None) -> Tensor:
    """boxes: [N, 4], scores: [N] → indices of the boxes to keep, best first: those that no better one that stays overlaps more.

    torchvision's, where that is imported already, as in ComfyUI; else the same boxes in twice its time, since the import alone
    takes seconds.

    Args:
        boxes: Left, top, right and bottom edges.
        scores: Theirs.
        max_iou: Of intersection over union.
        groups: [N] whole numbers: only boxes of one group are compared. None: all are.
    """
    if (torchvisions := sys.modules.get("torchvision.ops")) is not None:
        by_group = () if groups is None else (groups,)
        found: Tensor = (torchvisions.batched_nms if by_group else torchvisions.nms)(boxes, scores, *by_group, max_iou)
        return found
    return own_nms(boxes, scores, max_iou, groups)


def own_nms(boxes: Tensor, scores: Tensor, max_iou: float, groups: Tensor | None = None) -> Tensor:
    """``nms`` in NumPy."""
    order = scores.argsort(descending=True, stable=True)
    if groups is not None:
        kept = [order[part[_kept(boxes[order[part]], max_iou)]] for part in _parts(groups[order])]
        together = torch.cat(kept) if kept else order
        return together[scores[together].argsort(descending=True, stable=True)]
    return order[_kept(boxes[order], max_iou)]


def _parts(groups: Tensor) -> list[Tensor]:
    """Where the members of each group are."""
    return [(groups == group).nonzero()[:, 0] for group in groups.unique().tolist()]


def _kept(boxes: Tensor, max_iou: float) -> Tensor:
    """boxes: [N, 4], best first → indices of those that stay. A block at a time is compared, first with all that stay."""
    edges, limit, poll = boxes.T.float().cpu().contiguous().numpy(), np.float32(max_iou), current_poll()
    kept = np.empty(0, np.int64)
    for begin in range(0, edges.shape[1], _BLOCK):
        poll()
        block = np.arange(begin, min(begin + _BLOCK, edges.shape[1]))
        block = block[~(_ious(edges[:, kept], edges[:, block]) > limit).any(0)]
        clash = _ious(edges[:, block], edges[:, block]) > limit
        kept = np.concatenate((kept, block[_survivors(clash)]))
    return torch.from_numpy(kept).to(boxes.device)


def _survivors(clash: np.ndarray) -> np.ndarray:
    """clash: [N, N] → [N], whether none that is before it and survives clashes with it."""
    alive = np.ones(len(clash), dtype=bool)  # NumPy's short operations take a third of torch's time
    for index in range(len(clash)):
        if alive[index]:
            alive[index + 1 :] &= ~clash[index, index + 1 :]
    return alive


@np.errstate(over="ignore", invalid="ignore")  # boxes that are no boxes clash with none
def _ious(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """[4, N], [4, M] → [N, M]."""
    (left, top, right, bottom), (left_2, top_2, right_2, bottom_2) = boxes[:, :, None], others
    shared = np.minimum(right, right_2) - np.maximum(left, left_2)
    np.maximum(shared, 0, out=shared)
    height = np.minimum(bottom, bottom_2) - np.maximum(top, top_2)
    shared *= np.maximum(height, 0, out=height)
    together = (right - left) * (bottom - top) + (right_2 - left_2) * (bottom_2 - top_2)
    return shared / np.subtract(together, shared, out=together)


def _overlaps(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """boxes: [N, 4] → intersection, smaller area and union of every pair, each [N, N]."""
    corner = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    intersection = (torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - corner).clamp(min=0).prod(dim=2)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)
    return intersection, torch.minimum(area[:, None], area[None, :]), area[:, None] + area[None, :] - intersection

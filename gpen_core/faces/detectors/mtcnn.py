"""MTCNN: the detector that works with no download.

Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", 2016. The weights come
with the ``mtcnn`` package on PyPI (MIT), which is only asked for its files: importing it would import TensorFlow.

Boxes inside this file are edges in the convention of ``types.py``: a box around pixels 0…11 is [-0.5, 11.5], 12 wide.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import MissingWeightsError
from ...imaging.warp import resize_filtered
from .base import Detections, no_detections
from .mtcnn_nets import MtcnnNets, assign_arrays
from .suppression import greedy_keep

PROPOSAL_THRESHOLD, REFINE_THRESHOLD = 0.6, 0.7  # section III-B and the authors' released demo
PYRAMID_FACTOR = 0.709  # sqrt(1/2): each level has half the pixels (the authors' released demo)
WINDOW, STRIDE = 12, 2  # P-Net's receptive field and the step between its outputs, in pixels of a level
LEVEL_IOU, STAGE_IOU, FINAL_OVERLAP = 0.5, 0.7, 0.7  # the authors' demo; the last one is a share of the smaller box
CHUNK = 512  # patches a network sees at once: bounds memory on pictures full of proposals
INSTALL_HINT = "Install its weights with: pip install 'mtcnn>=1.0' joblib lz4 (TensorFlow is not needed)"


class Mtcnn:
    """The cascade as a FaceNetwork. ``min_face`` is the side of the smallest face looked for, in pixels."""

    name = "mtcnn"
    default_threshold = 0.85

    def __init__(self, nets: MtcnnNets, min_face: float = 20.0) -> None:
        self.module: MtcnnNets = nets.eval().requires_grad_(False)
        self.min_face = min_face

    @torch.no_grad()
    def find(self, image: Tensor, threshold: float) -> Detections:
        """image: [3, H, W] RGB in [0, 1] → faces whose O-Net probability is at least ``threshold``, on the CPU.

        Runs on the device of ``module``. A picture with a side under 12 px holds no face and gives none.
        """
        weight = self.module.proposal.box.weight
        normalized = (image.to(weight.device, weight.dtype) - 0.5) * (255 / 128)  # (v - 127.5) / 128 of 8-bit values
        mipmaps = _mipmaps(normalized)
        boxes = self._propose(mipmaps)
        boxes = self._refine(mipmaps, boxes) if len(boxes) else boxes
        return self._decide(mipmaps, boxes, threshold) if len(boxes) else no_detections()

    def _propose(self, mipmaps: list[Tensor]) -> Tensor:
        """P-Net over the pyramid → boxes [N, 4] float32."""
        from torchvision.ops import batched_nms, nms

        found = [_proposals(self.module, level) for level in _pyramid(mipmaps, WINDOW / self.min_face)]
        if not found:
            return mipmaps[0].new_zeros(0, 4, dtype=torch.float32)
        boxes, scores = torch.cat([b for b, _ in found]), torch.cat([s for _, s in found])
        levels = torch.cat([torch.full_like(s, i, dtype=torch.long) for i, (_, s) in enumerate(found)])
        keep = batched_nms(boxes, scores, levels, LEVEL_IOU)
        boxes, scores = boxes[keep], scores[keep]
        return boxes[nms(boxes, scores, STAGE_IOU)]

    def _refine(self, mipmaps: list[Tensor], boxes: Tensor) -> Tensor:
        """R-Net: drop most proposals and correct the rest → boxes [M, 4]."""
        from torchvision.ops import nms

        squares = _square(boxes)
        parts = [self.module.refine(_patches(mipmaps, chunk, 24)) for chunk in squares.split(CHUNK)]
        offsets, scores = (torch.cat(part).float() for part in zip(*parts, strict=True))
        sure = scores >= REFINE_THRESHOLD
        boxes, scores = _correct(squares, offsets)[sure], scores[sure]
        return boxes[nms(boxes, scores, STAGE_IOU)]

    def _decide(self, mipmaps: list[Tensor], boxes: Tensor, threshold: float) -> Detections:
        """O-Net: the faces, with landmarks. Landmarks are relative to the square the network saw, not to its result."""
        squares = _square(boxes)
        parts = [self.module.output(_patches(mipmaps, chunk, 48)) for chunk in squares.split(CHUNK)]
        offsets, points, scores = (torch.cat(part).float() for part in zip(*parts, strict=True))
        landmarks = squares[:, None, :2] + points * (squares[:, None, 2:] - squares[:, None, :2])
        sure = scores >= threshold
        boxes, scores, landmarks = (t[sure].cpu() for t in (_correct(squares, offsets), scores, landmarks))
        keep = greedy_keep(boxes, scores, max_share_of_smaller=FINAL_OVERLAP)
        return Detections(boxes[keep], scores[keep], landmarks[keep])


def load_mtcnn(device: torch.device | str = "cpu", min_face: float = 20.0) -> Mtcnn:
    """MTCNN with the weights of the installed ``mtcnn`` package.

    Raises MissingWeightsError when the package, its weight files or what reads them (joblib, lz4) is not installed, and
    CheckpointError when the files hold other arrays than MTCNN's.
    """
    folder, nets = _weights_folder(), MtcnnNets()
    for net, name in ((nets.proposal, "pnet.lz4"), (nets.refine, "rnet.lz4"), (nets.output, "onet.lz4")):
        path = folder / name
        if not path.is_file():
            raise MissingWeightsError(f"{name} is not in {folder}: another package named mtcnn? {INSTALL_HINT}")
        assign_arrays(net, _read_arrays(path), str(path))
    return Mtcnn(nets.to(device), min_face)


def _weights_folder() -> Path:
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise MissingWeightsError(
            f"MTCNN's weights come with the Python package mtcnn, which is not installed. {INSTALL_HINT}"
        )
    return Path(spec.submodule_search_locations[0]) / "assets" / "weights"


def _read_arrays(path: Path) -> list[object]:
    try:
        import joblib

        return list(joblib.load(path))  # a pickle, but of a package the user installed: as trusted as its code
    except Exception as error:  # ImportError, or ValueError where lz4 is missing, or whatever damaged bytes raise
        raise MissingWeightsError(f"{path} cannot be read ({error}). {INSTALL_HINT}") from error


def _mipmaps(image: Tensor) -> list[Tensor]:
    """[3, H, W] → [1, 3, H, W] and its halvings down to 24 px: every later resize starts at most 2x too large.

    That keeps the triangle and bin averages below free of aliasing and their cost independent of the picture's size.
    """
    levels = [image[None]]
    while min(levels[-1].shape[-2:]) >= 48:
        levels.append(F.avg_pool2d(levels[-1], 2, ceil_mode=True))
    return levels


def _pyramid(mipmaps: list[Tensor], first_scale: float) -> Iterator[tuple[Tensor, float, float]]:
    """Levels for P-Net as (pixels [1, 3, h, w], horizontal scale, vertical scale), largest first."""
    height, width = mipmaps[0].shape[-2:]
    scale = first_scale
    while min(height, width) * scale >= WINDOW:
        size = (math.ceil(height * scale), math.ceil(width * scale))
        mip = mipmaps[min(_halvings(1 / scale), len(mipmaps) - 1)]
        level = resize_filtered(mip, size, "bilinear")
        yield level, size[1] / width, size[0] / height
        scale *= PYRAMID_FACTOR


def _proposals(nets: MtcnnNets, level: tuple[Tensor, float, float]) -> tuple[Tensor, Tensor]:
    """One level → boxes [N, 4] in pixels of the picture and scores [N], both float32."""
    pixels, scale_x, scale_y = level
    offsets, faces = nets.proposal(pixels)  # [1, 4, h, w], [1, h, w]
    rows, columns = torch.nonzero(faces[0] >= PROPOSAL_THRESHOLD, as_tuple=True)
    corner = torch.stack((columns, rows), dim=1).float() * STRIDE  # [N, 2], edges: pixel i starts at i
    windows = torch.cat((corner, corner + WINDOW), dim=1) + offsets[0, :, rows, columns].T.float() * WINDOW
    return windows / windows.new_tensor((scale_x, scale_y, scale_x, scale_y)) - 0.5, faces[0, rows, columns].float()


def _patches(mipmaps: list[Tensor], squares: Tensor, side: int) -> Tensor:
    """squares: [N, 4] → [N, 3, side, side], averaged over each patch pixel's area; mid-grey (0) outside the picture."""
    from torchvision.ops import roi_align

    edges = squares + 0.5  # roi_align counts from the picture's edge
    levels = [min(_halvings(size / side), len(mipmaps) - 1) for size in (squares[:, 2] - squares[:, 0]).tolist()]
    level_of = torch.tensor(levels, device=squares.device)
    patches = mipmaps[0].new_empty(len(squares), 3, side, side)
    for level in set(levels):
        rows = (level_of == level).nonzero()[:, 0]
        boxes = [edges[rows].to(patches.dtype)]
        patches[rows] = roi_align(mipmaps[level], boxes, (side, side), spatial_scale=0.5**level, aligned=True)
    return patches


def _halvings(shrink: float) -> int:
    """How often a picture can be halved before it is shrunk by ``shrink`` or less."""
    return max(0, math.floor(math.log2(shrink))) if shrink > 0 else 0


def _square(boxes: Tensor) -> Tensor:
    """Boxes [N, 4] → squares of the longer side about the same centres."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True).clamp(min=1.0) / 2
    return torch.cat((centre - half, centre + half), dim=1)


def _correct(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Move each edge by its offset, in units of the box's sides."""
    return boxes + offsets * (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)

"""MTCNN: the detector that needs no download.

Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", 2016. The weights come
with the ``mtcnn`` package on PyPI (MIT), which is only asked for its files: importing it would import TensorFlow.

Boxes inside this file are edges in the convention of ``types.py``: a box around pixels 0…11 is [-0.5, 11.5], 12 wide.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from ...commands import pip_install
from ...errors import CheckpointError, MissingWeightsError
from ...polling import current_poll
from .base import Detections, no_detections
from .mtcnn_nets import MtcnnNets, assign_arrays
from .mtcnn_pixels import WINDOW, mipmaps, patches, pyramid
from .suppression import greedy_keep, nms

PROPOSAL_THRESHOLD, REFINE_THRESHOLD = 0.6, 0.7  # section III-B and the authors' released demo
STRIDE = 2  # pixels of a level between P-Net's outputs
LEVEL_IOU, STAGE_IOU, FINAL_OVERLAP = 0.5, 0.7, 0.7  # the authors' demo; the last one is a share of the smaller box
FARTHEST = 4  # times the picture's size: a window is no larger than it, and moves and grows by parts of itself
CHUNK = 128  # patches a network sees at once: bounds memory on pictures full of proposals, and how long Cancel waits
# Of mtcnn 1.0.0 on PyPI. The files are pickles, which can run code when they are read: no others are.
WEIGHT_SHA256 = MappingProxyType(
    {
        "pnet.lz4": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
        "rnet.lz4": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
        "onet.lz4": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
    }
)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What P-Net says of a level: ``offsets`` [1, 4, h, w], ``faces`` [1, h, w]; its horizontal and vertical ``scale``."""

    offsets: Tensor
    faces: Tensor
    scale: tuple[float, float]


class Mtcnn:
    """The cascade as a FaceNetwork.

    Args:
        nets: The three networks with their weights.
        min_face: Side of the smallest face to search for, in pixels.
    """

    name = "mtcnn"
    default_threshold = 0.85

    def __init__(self, nets: MtcnnNets, min_face: float = 20.0) -> None:
        self.module: MtcnnNets = nets.eval().requires_grad_(False)
        self.min_face = min_face

    @torch.no_grad()
    def find(self, image: Tensor, threshold: float, smallest: float = 0.0) -> Detections:
        """Scan an image, on the device of ``module``.

        Args:
            image: [3, H, W] RGB in [0, 1]. Images with a side under 12 px give no faces.
            threshold: Minimum O-Net probability.
            smallest: Faces narrower than this, in pixels, are not needed.

        Returns:
            The faces, on the CPU.
        """
        weight = self.module.proposal.box.weight
        normalized = (image.to(weight.device, weight.dtype) - 0.5) * (255 / 128)  # (v - 127.5) / 128 of 8-bit values
        levels = mipmaps(normalized)
        boxes = self._propose(levels, smallest)
        boxes = self._refine(levels, boxes) if len(boxes) else boxes
        return self._decide(levels, boxes, threshold) if len(boxes) else no_detections()

    @torch.no_grad()
    def landmarks_in(self, image: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Where faces' landmarks are in squares that are known to show one, without a search.

        Args:
            image: [3, H, W] RGB in [0, 1].
            squares: [N, 4] float32, x0, y0, x1, y1.

        Returns:
            Landmarks [N, 5, 2] and O-Net's probabilities [N], on the CPU.
        """
        weight = self.module.proposal.box.weight
        levels = mipmaps((image.to(weight.device, weight.dtype) - 0.5) * (255 / 128))
        _, landmarks, scores = self._seen(levels, squares.to(weight.device))
        return landmarks.cpu(), scores.cpu()

    def _propose(self, levels: list[Tensor], smallest: float) -> Tensor:
        """P-Net over the pyramid → boxes [N, 4] float32. ``smallest``: pixels that its window shall cover at least."""
        found, poll = [], current_poll()
        for pixels, scale in pyramid(levels, self.min_face, smallest):
            poll()
            offsets, faces = self.module.proposal(pixels)
            found.append(_Seen(offsets, faces, scale))
        if not found:
            return levels[0].new_zeros(0, 4, dtype=torch.float32)
        boxes, scores, level = _proposals(found)
        keep = nms(boxes, scores, LEVEL_IOU, level)
        boxes, scores = boxes[keep], scores[keep]
        return _possible(boxes[nms(boxes, scores, STAGE_IOU)], levels[0])

    def _refine(self, levels: list[Tensor], boxes: Tensor) -> Tensor:
        """R-Net: drop most proposals and correct the rest → boxes [M, 4]."""
        squares = _square(boxes)
        parts = [self.module.refine(patches(levels, chunk, 24)) for chunk in _polled(squares.split(CHUNK))]
        offsets, scores = (torch.cat(part).float() for part in zip(*parts, strict=True))
        sure = scores >= REFINE_THRESHOLD
        boxes, scores = _correct(squares, offsets)[sure], scores[sure]
        return _possible(boxes[nms(boxes, scores, STAGE_IOU)], levels[0])

    def _decide(self, levels: list[Tensor], boxes: Tensor, threshold: float) -> Detections:
        """O-Net: the faces, with landmarks. Landmarks are relative to the square the network saw, not to its result."""
        squares = _square(boxes)
        offsets, landmarks, scores = self._seen(levels, squares)
        sure = scores >= threshold
        boxes, scores, landmarks = (t[sure].cpu() for t in (_correct(squares, offsets), scores, landmarks))
        keep = greedy_keep(boxes, scores, max_share_of_smaller=FINAL_OVERLAP)
        return Detections(boxes[keep], scores[keep], landmarks[keep])

    def _seen(self, levels: list[Tensor], squares: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What O-Net says of squares [N, 4] → offsets [N, 4], landmarks [N, 5, 2], scores [N], float32."""
        parts = [self.module.output(patches(levels, chunk, 48)) for chunk in _polled(squares.split(CHUNK))]
        offsets, points, scores = (torch.cat(part).float() for part in zip(*parts, strict=True))
        return offsets, squares[:, None, :2] + points * (squares[:, None, 2:] - squares[:, None, :2]), scores


def load_mtcnn(device: torch.device | str = "cpu", min_face: float = 20.0) -> Mtcnn:
    """Load MTCNN with the weights of the installed ``mtcnn`` package.

    Args:
        device: Where the networks run.
        min_face: Side of the smallest face to search for, in pixels.

    Raises:
        MissingWeightsError: The package, its weight files, or joblib or lz4 (which read them) are not installed.
        CheckpointError: A file is not the published one.
    """
    folder, nets = _weights_folder(), MtcnnNets()
    for net, name in ((nets.proposal, "pnet.lz4"), (nets.refine, "rnet.lz4"), (nets.output, "onet.lz4")):
        path = folder / name
        if not path.is_file():
            raise MissingWeightsError(f"{name} is not in {folder}. Is it another package named mtcnn? {_advice()}")
        assign_arrays(net, _read_arrays(path), str(path))
    return Mtcnn(nets.to(device), min_face)


def _weights_folder() -> Path:
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise MissingWeightsError(
            f"MTCNN's weights come with the Python package mtcnn, which is not installed. {_advice()}"
        )
    return Path(spec.submodule_search_locations[0]) / "assets" / "weights"


def check_published(content: bytes, path: Path) -> None:
    """Raise CheckpointError unless this is what the file holds in mtcnn 1.0.0, byte for byte."""
    expected, found = WEIGHT_SHA256[path.name], hashlib.sha256(content).hexdigest()
    if found != expected:
        raise CheckpointError(
            f"{path} is not the file of mtcnn 1.0.0, so it was not opened: its sha256 begins with {found[:12]}, not "
            f"{expected[:12]}. Reinstall it with: {pip_install('--force-reinstall --no-deps mtcnn==1.0.0')}"
        )


def _advice() -> str:
    return f"Install its weights with: {pip_install('mtcnn==1.0.0 joblib lz4')} (TensorFlow is not needed)"


def _read_arrays(path: Path) -> list[object]:
    content = path.read_bytes()  # read once: what is checked is what is unpickled
    check_published(content, path)
    try:
        import joblib

        return list(joblib.load(io.BytesIO(content)))
    except Exception as error:  # ImportError, or ValueError where lz4 is missing
        raise MissingWeightsError(f"{path} cannot be read ({error}). {_advice()}") from error


def _polled(chunks: Iterable[Tensor]) -> Iterator[Tensor]:
    poll = current_poll()
    for chunk in chunks:
        poll()
        yield chunk


def _proposals(found: Sequence[_Seen]) -> tuple[Tensor, Tensor, Tensor]:
    """What P-Net says of each level → boxes [N, 4] in pixels of the picture, scores [N], both float32, and levels [N].

    Of all levels at once: most have a handful of windows that may hold a face, or none.
    """
    scores = torch.cat([level.faces.flatten() for level in found])
    sure = (scores >= PROPOSAL_THRESHOLD).nonzero()[:, 0]
    offsets = torch.cat([level.offsets[0].flatten(1) for level in found], 1)[:, sure].T.float()
    sizes = torch.tensor([level.faces.numel() for level in found], device=sure.device)
    widths = torch.tensor([level.faces.shape[-1] for level in found], device=sure.device)
    scales = torch.tensor([level.scale for level in found], device=sure.device)
    levels = torch.bucketize(sure, sizes.cumsum(0), right=True)
    place, width = sure - (sizes.cumsum(0) - sizes)[levels], widths[levels]
    corner = torch.stack((place % width, place // width), 1).float() * STRIDE  # edges: pixel i starts at i
    windows = torch.cat((corner, corner + WINDOW), 1) + offsets * WINDOW
    return windows / scales[levels].repeat(1, 2) - 0.5, scores[sure].float(), levels


def _possible(boxes: Tensor, picture: Tensor) -> Tensor:
    """The ``boxes`` [N, 4] of plausible size and position.

    For input outside [0, 1], P-Net may return anything, including NaN.
    """
    sides = picture.shape[-2:]
    near = (boxes.abs() <= FARTHEST * max(sides)).all(1)
    return boxes[near & ((boxes[:, 2:] - boxes[:, :2]).amax(1) <= FARTHEST * min(sides))]


def _square(boxes: Tensor) -> Tensor:
    """Boxes [N, 4] → squares of the longer side about the same centers."""
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True).clamp(min=1.0) / 2
    return torch.cat((center - half, center + half), dim=1)


def _correct(boxes: Tensor, offsets: Tensor) -> Tensor:
    """Move each edge by its offset, in units of the box's sides."""
    return boxes + offsets * (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)

"""RetinaFace from a user's file, with facexlib's networks.

Deng et al., "RetinaFace: Single-stage Dense Face Localisation in the Wild", 2019, as trained by biubug6/Pytorch_Retinaface
and published by facexlib. facexlib's own call lives on one fixed device, reads BGR arrays and builds its priors in a Python
loop; here only its layers are used, each with its batch normalization folded in.

Coordinates: the network's outputs are shares of the picture's size, and facexlib takes ``share * width`` as a pixel index.
So do we: its training labels are pixel indices too (WIDER FACE), so no half pixel is added. Mirrored training pictures had
theirs at ``width - x`` instead of ``width - 1 - x``, so that landmarks lie half a pixel too far right: 0.56 ± 0.06 on 58
faces and their mirror images. It is left as it is, to be the same as facexlib's; it moves a crop's frame, and nothing else.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from ...commands import install_facexlib
from ...errors import CheckpointError, MissingWeightsError
from ...weights.reading import read_checkpoint
from ...weights.regular import is_missing
from ...weights.source import source_named
from ...weights.wrapped import check_numbers, state_with
from .base import Detections, no_detections
from .folding import fold_batch_norms
from .layout import fast_format

MEAN_BGR = (104.0, 117.0, 123.0)  # facexlib retinaface.py, on 0…255
STEPS = (8, 16, 32)  # pixels between anchors of each map: facexlib generate_config, the same for both backbones
ANCHOR_SIDES = ((16, 32), (64, 128), (256, 512))
CENTER_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
NMS_IOU = 0.4  # facexlib detect_faces
BACKBONE_KEYS = {"body.conv1.weight": "resnet50", "body.stage1.0.0.weight": "mobile0.25"}


class RetinaFace:
    """facexlib's network as a FaceNetwork.

    Args:
        module: The network with its weights.
        backbone: "resnet50" or "mobile0.25".
    """

    default_threshold = 0.8  # facexlib detect_faces

    def __init__(self, module: nn.Module, backbone: str) -> None:
        self.module = module.eval().requires_grad_(False)
        self.name = f"retinaface_{backbone}"

    @torch.no_grad()
    def find(self, image: Tensor, threshold: float, smallest: float = 0.0) -> Detections:
        """Scan an image, on the device and in the precision of ``module``.

        Args:
            image: [3, H, W] RGB in [0, 1].
            threshold: Minimum score.
            smallest: Unused; small faces take no extra time.

        Returns:
            The faces after non-maximum suppression, on the CPU: the same as facexlib's ``detect_faces``.
        """
        from torchvision.ops import nms

        height, width = image.shape[-2:]
        offsets, confidence, points = self.module(self._input(image))
        scores = confidence[0, :, 1].float().cpu()
        rows = (scores >= threshold).nonzero()[:, 0]
        if not len(rows):
            return no_detections()
        scores, priors = scores[rows], prior_boxes(height, width)[rows]
        size = torch.tensor((width, height), dtype=torch.float32)
        boxes = decode_boxes(offsets[0].float().cpu()[rows], priors) * size.repeat(2)
        landmarks = decode_landmarks(points[0].float().cpu()[rows], priors) * size
        keep = nms(boxes, scores, NMS_IOU)
        return Detections(boxes[keep], scores[keep], landmarks[keep])

    def _input(self, image: Tensor) -> Tensor:
        """[3, H, W] RGB in [0, 1] → [1, 3, H, W] BGR on 0…255 less the mean, where the module is."""
        weight = next(self.module.parameters())
        rgb = image.to(weight.device, torch.float32)
        bgr = torch.empty((1, *rgb.shape), device=rgb.device, memory_format=fast_format(rgb.device))
        for channel, mean in enumerate(MEAN_BGR):
            torch.mul(rgb[2 - channel], 255, out=bgr[0, channel]).sub_(mean)
        return bgr.to(weight.dtype)


def load_retinaface(path: str | Path, device: torch.device | str = "cpu") -> RetinaFace:
    """Load RetinaFace from one of facexlib's two files; the backbone is read from the weights, not from the file name.

    Args:
        path: The weights file.
        device: Where the network runs.

    Raises:
        MissingWeightsError: There is no such file, or facexlib is not installed.
        CheckpointError: The file is not a RetinaFace checkpoint, is damaged, or contains more than tensors.
    """
    path = Path(path)
    if is_missing(path):
        raise MissingWeightsError(
            f"{path}: no such file. Choose the detector 'mtcnn', which needs no file, or check the path."
        )
    with source_named(path):
        module, backbone = _read(path)
    fold_batch_norms(module.eval())
    return RetinaFace(module.to(device), backbone)


def _read(path: Path) -> tuple[nn.Module, str]:
    """The network in a file, and which it is. Raises CheckpointError."""
    state = state_with(read_checkpoint(path).content, tuple(BACKBONE_KEYS), path.name)
    if state is None:
        raise CheckpointError(
            f"{path}: neither {' nor '.join(map(repr, BACKBONE_KEYS))} in it. This is not a RetinaFace detector; "
            "facexlib publishes detection_Resnet50_Final.pth and detection_mobilenet0.25_Final.pth."
        )
    backbone = next(name for key, name in BACKBONE_KEYS.items() if key in state)
    check_numbers(state, path.name)
    module = build_network(backbone)
    try:
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()
        raise CheckpointError(
            f"{path}: looks like RetinaFace {backbone} but does not match: {' '.join(reason[1:3]) or reason[0]} "
            "Download facexlib's file again."
        ) from error
    return module, backbone


def build_network(backbone: str) -> nn.Module:
    """Create the untrained facexlib network.

    Args:
        backbone: "resnet50" or "mobile0.25".

    Raises:
        MissingWeightsError: facexlib is not installed.
    """
    try:
        from facexlib.detection.retinaface import RetinaFace as FacexlibRetinaFace
    except ImportError as error:
        raise MissingWeightsError(
            f"RetinaFace needs the Python package facexlib ({error}). Install it with: {install_facexlib()}"
            " — or choose the detector 'mtcnn'."
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision deprecates the argument facexlib passes to resnet50
        network: nn.Module = FacexlibRetinaFace(network_name=backbone, device="cpu")
    return network


def prior_boxes(height: int, width: int) -> Tensor:
    """Anchors of an image of this size: [N, 4] as center x, center y, width, height, as fractions of the image.

    Ordered as the network's outputs: map, row, column, side.
    """
    per_map = []
    for step, sides in zip(STEPS, ANCHOR_SIDES, strict=True):
        rows = (torch.arange(-(-height // step), dtype=torch.float64) + 0.5) * step / height
        columns = (torch.arange(-(-width // step), dtype=torch.float64) + 0.5) * step / width
        side = torch.tensor(sides, dtype=torch.float64)
        y, x, s = torch.meshgrid(rows, columns, side, indexing="ij")
        per_map.append(torch.stack((x, y, s / width, s / height), dim=-1).reshape(-1, 4))
    return torch.cat(per_map).float()


def decode_boxes(offsets: Tensor, priors: Tensor) -> Tensor:
    """offsets, priors: [N, 4] → boxes [N, 4] x0 y0 x1 y1 (SSD's encoding, Liu et al. 2016, section 2.2)."""
    center = priors[:, :2] + offsets[:, :2] * CENTER_VARIANCE * priors[:, 2:]
    half = priors[:, 2:] * torch.exp(offsets[:, 2:] * SIZE_VARIANCE) / 2
    return torch.cat((center - half, center + half), dim=1)


def decode_landmarks(points: Tensor, priors: Tensor) -> Tensor:
    """points: [N, 10] as x1, y1, …, priors: [N, 4] → landmarks [N, 5, 2]."""
    return priors[:, None, :2] + points.view(-1, 5, 2) * CENTER_VARIANCE * priors[:, None, 2:]

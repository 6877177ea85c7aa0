"""Face parsing: which pixels of an aligned crop belong to the face (facexlib's ParseNet)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import CheckpointError, MissingWeightsError
from ..imaging.warp import resize_filtered
from ..weights.reading import read_checkpoint

PARSENET_SIZE = 512
LABELS = (
    "background", "skin", "nose", "eyeglasses", "left_eye", "right_eye", "left_brow", "right_brow", "left_ear",
    "right_ear", "mouth", "upper_lip", "lower_lip", "hair", "hat", "earring", "necklace", "neck", "cloth",
)  # fmt: skip
# Regions that keep the original pixels (GPEN's published recipe): restoring them gains nothing and shows at the edges.
KEPT = ("background", "hat", "cloth")


@dataclass(frozen=True, eq=False)
class FaceParser:
    """A face parsing network.

    Attributes:
        module: Maps [N, 3, 512, 512] RGB in [-1, 1] to a tuple whose first item is label scores [N, 19, 512, 512].
        name: Shown to the user.
    """

    module: nn.Module
    name: str = "parsenet"

    @torch.inference_mode()
    def regions(self, faces: Tensor) -> Tensor:
        """Segment aligned faces.

        Args:
            faces: [N, 3, S, S] RGB in [0, 1], aligned.

        Returns:
            [N, 1, S, S]: 1 on the face (including hair, ears and neck), 0 elsewhere.
        """
        where = next(self.module.parameters())
        labels = torch.cat([self._labels(face, where) for face in faces.split(1)])
        kept = torch.tensor([LABELS.index(label) for label in KEPT], device=labels.device)
        region = (~torch.isin(labels, kept)).float()[:, None]
        return F.interpolate(region, size=faces.shape[-2:], mode="bilinear").round().to(faces.device)

    def _labels(self, face: Tensor, where: Tensor) -> Tensor:
        """One face: [1, 3, S, S] → [1, 512, 512]. One at a time: ParseNet needs much memory and is never the bottleneck."""
        size = (PARSENET_SIZE, PARSENET_SIZE)
        picture = resize_filtered(face.to(where.device), size, "bilinear") * 2 - 1
        scores: Tensor = self.module(picture.to(where.dtype))[0]
        return scores.argmax(1)


def load_parser(path: str | Path, *, device: torch.device | str = "cpu") -> FaceParser:
    """Load facexlib's ParseNet.

    Args:
        path: The file ``parsing_parsenet.pth``.
        device: Where the network runs.

    Raises:
        MissingWeightsError: facexlib is not installed.
        CheckpointError: The file is not ParseNet.
    """
    try:
        from facexlib.parsing.parsenet import ParseNet
    except ImportError as error:
        raise MissingWeightsError(
            f"the face parser needs the Python package facexlib ({error}): pip install facexlib"
        ) from error
    path = Path(path)
    content = read_checkpoint(path).content
    module = ParseNet(in_size=PARSENET_SIZE, out_size=PARSENET_SIZE, parsing_ch=len(LABELS))
    try:
        module.load_state_dict(dict(content), strict=True)
    except (RuntimeError, AttributeError) as error:
        raise CheckpointError(
            f"{path.name}: not facexlib's ParseNet ({str(error).splitlines()[0]}). Use parsing_parsenet.pth."
        ) from error
    return FaceParser(module.requires_grad_(False).eval().to(device))

"""The identity loss: how alike two faces are to ArcFace (Deng et al. 2019), facexlib's network with the user's file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....commands import install_facexlib
from ....errors import OptionError
from .base import check_pictures
from .files import LossFile, frozen, load_exactly, read_state

FILE = LossFile(
    "ArcFace IR-SE50",
    ("recognition_arcface_ir_se50.pth", "model_ir_se50.pth"),
    "https://github.com/xinntao/facexlib/releases/download/v0.1.0/recognition_arcface_ir_se50.pth",
)
SIDE = 112  # of the picture that the network was trained on
# What of an FFHQ-aligned face ArcFace was trained to see, as shares of the side: rows 35 … 223 and columns 32 … 220 of
# 256, the box of pixel2style2pixel's and of GPEN's published identity loss. Puts the eyes of FFHQ's template within 2 px
# of where ArcFace's template has them. GPEN's own template frames wider: there the face is a tenth smaller than meant,
# in both pictures alike.
TOP, BOTTOM, LEFT, RIGHT = 35 / 256, 223 / 256, 32 / 256, 220 / 256


@dataclass(frozen=True, eq=False)
class Identity:
    """1 − cos of the angle between the embeddings, mean over the batch: 0 the same face, about 1 strangers, 2 at most.

    Crops are [N, 3, S, S] aligned faces; the network sees their middle (see ``TOP``) at 112 px, RGB in [-1, 1].
    """

    network: nn.Module
    weight: float = 1.0
    name: str = "identity"

    def __call__(self, restored: Tensor, target: Tensor) -> Tensor:
        check_pictures(restored, target)
        with torch.no_grad():
            wanted = self.embed(target)
        return 1 - F.cosine_similarity(self.embed(restored), wanted).mean()

    def embed(self, pictures: Tensor) -> Tensor:
        """[N, 3, S, S] RGB in [-1, 1] → [N, 512] float32.

        In float32 under autocast, too: through fifty layers the rounding of half precision adds up to more than two
        pictures of one face differ by.
        """
        with torch.autocast(pictures.device.type, enabled=False):
            embedding: Tensor = self.network(network_input(pictures))
        return embedding


def network_input(pictures: Tensor) -> Tensor:
    """[N, 3, S, S] → [N, 3, 112, 112]: the middle of the face, resized with a filter. Values stay in [-1, 1]."""
    side = pictures.shape[-1]
    middle = pictures[..., round(TOP * side) : round(BOTTOM * side), round(LEFT * side) : round(RIGHT * side)]
    # Published code averages areas; that equals nearest neighbor where the face is smaller than 112 px.
    return F.interpolate(middle.float(), (SIDE, SIDE), mode="bilinear", antialias=True)


def load_arcface(path: Path, device: torch.device | str = "cpu") -> nn.Module:
    """facexlib's ArcFace with the weights at ``path``: [N, 3, 112, 112] RGB in [-1, 1] → embeddings [N, 512] of length 1.

    Raises CheckpointError for any other file, OptionError without facexlib.
    """
    with torch.device("meta"):
        network: Any = _backbone()(num_layers=50, drop_ratio=0.6, mode="ir_se")
    load_exactly(network, read_state(path), path, FILE)
    network.output_layer[2] = nn.Flatten()  # facexlib's own cannot take channels last
    return frozen(cast(nn.Module, network), device)


def identity_loss(path: Path, *, weight: float, device: torch.device | str = "cpu") -> Identity:
    """The loss "identity" with the weights at ``path``."""
    return Identity(load_arcface(path, device), weight)


def _backbone() -> Any:
    try:
        from facexlib.recognition.arcface_arch import Backbone
    except ImportError as error:
        raise OptionError(f"the loss 'identity' needs facexlib ({error}): {install_facexlib()}") from error
    return Backbone

"""Face parsing: which pixels of an aligned crop belong to the face, and to which part of it (facexlib's networks)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..commands import install_facexlib
from ..errors import CheckpointError, MissingWeightsError
from ..imaging.warp import resize_filtered
from ..weights.reading import read_checkpoint
from ..weights.source import source_named
from ..weights.wrapped import check_numbers, state_with
from .parts import parts_from_labels

PARSER_SIZE = 512
_MARKS = ("out_mask_conv.conv2d.weight", "cp.resnet.conv1.weight")  # weights that only ParseNet has, and only BiSeNet
_WHICH = "Use parsing_parsenet.pth or parsing_bisenet.pth."


@dataclass(frozen=True)
class ParserKind:
    """What a parser's network takes and says.

    Attributes:
        name: Shown to the user.
        labels: What its channels mean.
        mean: Of red, green and blue in [0, 1], subtracted before the network.
        deviation: What they are divided by after that.
    """

    name: str
    labels: tuple[str, ...]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


# The order of labels and the normalization are those of facexlib's own scripts (inference/inference_parsing*.py).
PARSENET = ParserKind(
    "parsenet",
    (
        "background", "skin", "nose", "eyeglasses", "left_eye", "right_eye", "left_brow", "right_brow", "left_ear",
        "right_ear", "mouth", "upper_lip", "lower_lip", "hair", "hat", "earring", "necklace", "neck", "cloth",
    ),
    (0.5, 0.5, 0.5),
    (0.5, 0.5, 0.5),
)  # fmt: skip
BISENET = ParserKind(
    "bisenet",
    (
        "background", "skin", "left_brow", "right_brow", "left_eye", "right_eye", "eyeglasses", "left_ear", "right_ear",
        "earring", "nose", "mouth", "upper_lip", "lower_lip", "neck", "necklace", "cloth", "hair", "hat",
    ),
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # fmt: skip

# Labels that keep the original pixels (GPEN's published recipe): restoring them gains nothing and shows at the edges.
KEPT = ("background", "hat", "cloth")


@dataclass(frozen=True, eq=False)
class FaceParser:
    """A face parsing network.

    Attributes:
        module: Maps [N, 3, 512, 512] normalized RGB to a tuple whose first item is label scores [N, 19, 512, 512].
        kind: What it takes and says.
    """

    module: nn.Module
    kind: ParserKind = PARSENET

    @property
    def name(self) -> str:
        """Shown to the user."""
        return self.kind.name

    def regions(self, faces: Tensor) -> Tensor:
        """Segment aligned faces.

        Args:
            faces: [N, 3, S, S] RGB in [0, 1], aligned.

        Returns:
            [N, 1, S, S]: 1 on the face (including hair, ears and neck), 0 elsewhere.
        """
        labels = self.labels(faces)
        kept = torch.tensor([self.kind.labels.index(label) for label in KEPT], device=labels.device)
        region = (~torch.isin(labels, kept)).float()[:, None]
        return F.interpolate(region, size=faces.shape[-2:], mode="bilinear").round().to(faces.device)

    def parts(self, faces: Tensor) -> Tensor:
        """Segment aligned faces by regions.

        Args:
            faces: [N, 3, S, S] RGB in [0, 1], aligned.

        Returns:
            [N, 10, 512, 512] of 0 and 1, in the order of ``parts.REGIONS``.
        """
        return parts_from_labels(self.labels(faces), self.kind.labels).to(faces.device)

    @torch.inference_mode()
    def labels(self, faces: Tensor) -> Tensor:
        """faces: [N, 3, S, S] RGB in [0, 1] → [N, 512, 512], indices into ``kind.labels``.

        One at a time: parsers need much memory and are never the bottleneck.
        """
        where = next(self.module.parameters())
        return torch.cat([self._labels(face, where) for face in faces.split(1)])

    def _labels(self, face: Tensor, where: Tensor) -> Tensor:
        size = (PARSER_SIZE, PARSER_SIZE)
        mean, deviation = (
            torch.tensor(values, device=where.device)[:, None, None] for values in (self.kind.mean, self.kind.deviation)
        )
        picture = (resize_filtered(face.to(where.device), size, "bilinear") - mean) / deviation
        scores: Tensor = self.module(picture.to(where.dtype))[0]
        return scores.argmax(1)


def load_parser(path: str | Path, *, device: torch.device | str = "cpu") -> FaceParser:
    """Load facexlib's ParseNet or BiSeNet; which of them it is, is read from the file.

    Args:
        path: The file ``parsing_parsenet.pth`` or ``parsing_bisenet.pth``.
        device: Where the network runs.

    Raises:
        MissingWeightsError: facexlib is not installed.
        CheckpointError: The file is neither.
    """
    path = Path(path)
    with source_named(path):
        kind, module = _read(path)
    return FaceParser(module.requires_grad_(False).eval().to(device), kind)


def _read(path: Path) -> tuple[ParserKind, nn.Module]:
    """The network in a file, and which it is. Raises CheckpointError or MissingWeightsError."""
    state = state_with(read_checkpoint(path).content, _MARKS, path.name)
    if state is None:
        raise CheckpointError(f"{path.name}: not facexlib's ParseNet or BiSeNet. {_WHICH}")
    kind, module = _empty(state)
    check_numbers(state, path.name)
    try:
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        reason = " ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise CheckpointError(f"{path.name}: looks like {kind.name} but does not match. {_WHICH} {reason}") from error
    return kind, module


def _empty(state: Mapping[str, Tensor]) -> tuple[ParserKind, nn.Module]:
    """The network that a file's names are those of, without its weights."""
    try:
        from facexlib.parsing.bisenet import BiSeNet
        from facexlib.parsing.parsenet import ParseNet
    except ImportError as error:
        raise MissingWeightsError(
            f"the face parser needs the Python package facexlib ({error}): {install_facexlib()}"
        ) from error
    if next(mark for mark in _MARKS if mark in state).startswith("cp.resnet."):
        return BISENET, BiSeNet(num_class=len(BISENET.labels))
    return PARSENET, ParseNet(in_size=PARSER_SIZE, out_size=PARSER_SIZE, parsing_ch=len(PARSENET.labels))

"""A feature loss that a CPU can afford: MobileNetV1 of width × 0.25 (Howard et al. 2017) trained on ImageNet.

The file is the backbone from which the public RetinaFace (biubug6/Pytorch_Retinaface, MIT) starts. How it was trained is
not written down. Its archive is that of PyTorch's ImageNet example (keys epoch, arch, state_dict, best_acc1, optimizer;
top-1 46.6 %), which normalizes RGB by ImageNet's mean and deviation; and of the candidates only that, with leaky
rectifiers of slope 0.1, brings the activations of photographs to the means and variances that its batch
normalizations recorded.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .features import FeatureLoss, Trunk
from .files import LossFile, frozen, load_exactly, read_state

FILE = LossFile(
    "MobileNetV1 × 0.25, trained on ImageNet",
    ("mobilenet_v1_x0.25_imagenet.pth.tar", "mobilenetV1X0.25_pretrain.tar"),
    "https://github.com/biubug6/Pytorch_Retinaface (its README links it as mobilenetV1X0.25_pretrain.tar)",
)
SLOPE = 0.1
STEM = 8
# (channels, stride) of the blocks after the stem, by stage; the classifier's 1000 rows follow
STAGES = (
    ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1)),
    ((128, 2), (128, 1), (128, 1), (128, 1), (128, 1), (128, 1)),
    ((256, 2), (256, 1)),
)
# Where features are taken: the map's share of the picture's side, and how many blocks lead to it, the stem among them.
# Of 16, 32, 64 and 128 channels, each after its rectifier.
LAYERS = {"1/2": 2, "1/4": 4, "1/8": 6, "1/16": 12}
# Detail lives in the shallow layers; the deep one, at 1/16, keeps parts of the face in their positions.
FACTORS = (1.0, 1.0, 0.5, 0.25)


class _Classifier(nn.Module):
    """The network as its file names it: stage1 … stage3 of blocks, fc."""

    def __init__(self) -> None:
        super().__init__()
        inputs = STEM
        for number, stage in enumerate(STAGES, 1):
            blocks = [_stem()] if number == 1 else []
            for outputs, stride in stage:
                blocks.append(_block(inputs, outputs, stride))
                inputs = outputs
            self.add_module(f"stage{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, 1000)

    def blocks(self) -> list[nn.Module]:
        return [
            block for number in range(1, len(STAGES) + 1) for block in self.get_submodule(f"stage{number}").children()
        ]


def load_mobilenet(path: Path, device: torch.device | str = "cpu") -> Trunk:
    """The layers of the file at ``path`` that the loss looks through, batch normalizations folded into the convolutions.

    Raises CheckpointError for any other file.
    """
    with torch.device("meta"):
        network = _Classifier()
    load_exactly(network, read_state(path), path, FILE)
    blocks = [_folded(block) for block in network.eval().blocks()[: max(LAYERS.values())]]
    return frozen(Trunk(blocks, LAYERS), device)


def mobilenet_loss(
    path: Path, *, weight: float, factors: tuple[float, ...] | None = None, device: torch.device | str = "cpu"
) -> FeatureLoss:
    """The loss "mobilenet" with the weights at ``path``; ``factors`` of the layers 1/2, 1/4, 1/8, 1/16."""
    return FeatureLoss("mobilenet", weight, load_mobilenet(path, device), factors or FACTORS, relative=True)


def _stem() -> nn.Sequential:
    return nn.Sequential(*_convolution(3, STEM, 3, stride=2))


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Each channel's own 3×3, then 1×1 across channels."""
    return nn.Sequential(
        *_convolution(inputs, inputs, 3, stride=stride, groups=inputs), *_convolution(inputs, outputs, 1)
    )


def _convolution(inputs: int, outputs: int, side: int, *, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(SLOPE, inplace=True),
    ]


def _folded(block: nn.Module) -> nn.Sequential:
    """The block's convolutions with the batch normalizations after them worked in: a frozen network needs no more."""
    steps = list(block.children())
    folded: list[nn.Module] = []
    for convolution, norm, activation in zip(steps[::3], steps[1::3], steps[2::3]):
        folded += [fuse_conv_bn_eval(cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, norm)), activation]
    return nn.Sequential(*folded)

"""The three networks of MTCNN.

Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks", 2016, figure 2. Every
network sees RGB in [-1, 1] as ``(v - 127.5) / 128`` of 8-bit values. Layer sizes and the order of the stored arrays are
those of the ``mtcnn`` package on PyPI (MIT), whose pools labeled "same" are torch's pools in ceil mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...commands import pip_install
from ...errors import CheckpointError
from .layout import fast_format


class ProposalNet(nn.Module):
    """P-Net, fully convolutional: a 12-pixel window every 2 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_conv(3, 10, 3), nn.MaxPool2d(2, 2, ceil_mode=True), *_conv(10, 16, 3), *_conv(16, 32, 3)
        )
        self.box = nn.Conv2d(32, 4, 1)
        self.face = nn.Conv2d(32, 2, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image: [N, 3, H, W] → box offsets [N, 4, h, w] in window widths, probability of a face [N, h, w]."""
        x = self.features(image.contiguous(memory_format=fast_format(image.device)))
        return self.box(x), self.face(x).softmax(dim=1)[:, 1]


class RefineNet(nn.Module):
    """R-Net: looks again at 24-pixel patches."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_conv(3, 28, 3),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            *_conv(28, 48, 3),
            nn.MaxPool2d(3, 2),
            *_conv(48, 64, 2),
        )
        self.dense = nn.Sequential(nn.Linear(576, 128), nn.PReLU(128))
        self.box = nn.Linear(128, 4)
        self.face = nn.Linear(128, 2)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """patches: [N, 3, 24, 24] → box offsets [N, 4] in box sides, probability of a face [N]."""
        maps = self.features(patches.contiguous(memory_format=fast_format(patches.device)))
        x = self.dense(_flatten_width_first(maps))
        return self.box(x), self.face(x).softmax(dim=1)[:, 1]


class OutputNet(nn.Module):
    """O-Net: the last word on 48-pixel patches, and the five landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_conv(3, 32, 3),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            *_conv(32, 64, 3),
            nn.MaxPool2d(3, 2),
            *_conv(64, 64, 3),
            nn.MaxPool2d(2, 2, ceil_mode=True),
            *_conv(64, 128, 2),
        )
        self.dense = nn.Sequential(nn.Linear(1152, 256), nn.PReLU(256))
        self.box = nn.Linear(256, 4)
        self.landmarks = nn.Linear(256, 10)
        self.face = nn.Linear(256, 2)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """patches: [N, 3, 48, 48] → box offsets [N, 4], landmarks [N, 5, 2] in [0, 1] of the patch, probability [N]."""
        maps = self.features(patches.contiguous(memory_format=fast_format(patches.device)))
        x = self.dense(_flatten_width_first(maps))
        landmarks = self.landmarks(x).view(-1, 2, 5).transpose(1, 2)  # stored as x1…x5, y1…y5
        return self.box(x), landmarks, self.face(x).softmax(dim=1)[:, 1]


class MtcnnNets(nn.Module):
    """The cascade's three networks in one module, so that they move between devices together."""

    def __init__(self) -> None:
        super().__init__()
        self.proposal = ProposalNet()
        self.refine = RefineNet()
        self.output = OutputNet()


def assign_arrays(net: nn.Module, arrays: Sequence[Any], source: str) -> None:
    """Put the package's arrays (HWIO kernels, [I, O] dense layers, [1, 1, C] PReLU slopes) into ``net``, in order.

    Raises CheckpointError naming ``source`` when number or shapes are not those of ``net``.
    """
    parameters = list(net.parameters())
    if len(arrays) != len(parameters):
        raise CheckpointError(
            f"{source}: {len(arrays)} arrays where {type(net).__name__} has {len(parameters)}. "
            f"Reinstall it with: {pip_install('mtcnn==1.0.0')}"
        )
    for parameter, tensor in zip(parameters, _torch_layout(arrays), strict=True):
        if tensor.shape != parameter.shape:
            raise CheckpointError(
                f"{source}: an array of shape {tuple(tensor.shape)} where {type(net).__name__} has "
                f"{tuple(parameter.shape)}. Reinstall it with: {pip_install('mtcnn==1.0.0')}"
            )
        with torch.no_grad():
            parameter.copy_(tensor)


def _torch_layout(arrays: Sequence[Any]) -> Iterator[Tensor]:
    for array in arrays:
        tensor = torch.as_tensor(array)
        if tensor.ndim == 4:
            yield tensor.permute(3, 2, 0, 1)  # HWIO → OIHW
        elif tensor.ndim == 2:
            yield tensor.T
        else:
            yield tensor.flatten()


def _conv(channels_in: int, channels_out: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels_in, channels_out, kernel), nn.PReLU(channels_out)


def _flatten_width_first(maps: Tensor) -> Tensor:
    """[N, C, H, W] → [N, W*H*C]: the dense layers were trained on transposed maps, channels last."""
    return maps.permute(0, 3, 2, 1).flatten(1)

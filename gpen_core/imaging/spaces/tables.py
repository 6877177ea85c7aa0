"""Spaces of tables, as scanners' and printers' profiles are: a grid of colors through Little CMS, interpolated between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms
from torch import Tensor

_SIDE = 52  # colors along an edge of the grid: 255 is a multiple of 51


@dataclass(frozen=True, eq=False)
class TableColors:
    """A grid to sRGB and one back, [3, N, N, N] each.

    Attributes:
        forward: To sRGB.
        backward: From sRGB; None where the profile knows no way back.
    """

    forward: Tensor
    backward: Tensor | None

    @classmethod
    def of(cls, profile: ImageCms.ImageCmsProfile) -> TableColors:
        """Raises ValueError where the profile can't be used."""
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        forward, backward = _grid(profile, srgb), _grid(srgb, profile)
        if forward is None:
            raise ValueError("Little CMS cannot use it")
        return cls(forward, backward)

    @property
    def leads_back(self) -> bool:
        """Whether there is a way back."""
        return self.backward is not None

    def to_srgb(self, colors: Tensor) -> Tensor:
        """[3, N] in [0, 1] → sRGB."""
        return _interpolated(self.forward, colors)

    def from_srgb(self, colors: Tensor) -> Tensor:
        """The way back."""
        return colors if self.backward is None else _interpolated(self.backward, colors)


def _grid(source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile) -> Tensor | None:
    steps = np.linspace(0, 255, _SIDE).round().astype(np.uint8)
    colors = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(_SIDE, -1, 3)
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    try:
        converted = ImageCms.profileToProfile(Image.fromarray(colors), source, target, intent)
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None
    if converted is None:
        return None
    grid = torch.from_numpy(np.asarray(converted).reshape(_SIDE, _SIDE, _SIDE, 3).astype(np.float32) / 255)
    return grid.movedim(-1, 0).contiguous()


def _interpolated(grid: Tensor, colors: Tensor) -> Tensor:
    places = colors.flip(0).T.mul(2).sub(1)[None, None, None]  # the last axis of the grid is blue, and comes first here
    found = F.grid_sample(grid[None], places, mode="bilinear", padding_mode="border", align_corners=True)
    return found[0, :, 0, 0]

"""Colors that are no RGB, to sRGB and back through Little CMS: inks by the file's own profile, and CIE Lab."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from PIL import Image, ImageCms
from torch import Tensor

from ...geometry import size_of
from ..lanczos import resize_lanczos
from ..numbers import as_kind_of, in_unit_range
from .profiles import ProfileError, colors_of, opened
from .space import Space, bands

CMYK, LAB = "CMYK", "LAB"  # Pillow's names
_RGB = "RGB"
_SIGNED = 128  # Lab's a and b lie around 0 in a file, and around this here
_HIGHEST = 255

Transform: TypeAlias = ImageCms.ImageCmsTransform


class InkSpace(Space):
    """CMYK or Lab of 8 bits: ``numbers`` are [4, H, W] (0: no ink) or [3, H, W] (a and b around 128), uint8.

    Ways to print a color are many, and the profile knows one: inks of pixels that are not replaced stay the file's own.

    Args:
        mode: "CMYK" or "LAB".
        icc: The profile of the inks.

    Raises:
        ProfileError: It can't be used.
    """

    def __init__(self, mode: str, icc: bytes | None = None) -> None:
        if mode == CMYK and colors_of(icc or b"").strip() != CMYK.encode():
            raise ProfileError(f"it describes {colors_of(icc or b'').decode('latin-1').strip()} colors")
        self.mode = mode
        own = opened(icc) if mode == CMYK and icc else ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        forward = _transform(own, mode, srgb, _RGB)
        if forward is None:
            raise ProfileError("it is damaged")
        self._forward, self._backward = forward, _transform(srgb, _RGB, own, mode)

    @property
    def leads_back(self) -> bool:
        """Whether there is a way back from sRGB."""
        return self._backward is not None

    def seen(self, numbers: Tensor) -> Tensor:
        """The file's numbers → [3, H, W] in sRGB, uint8."""
        seen = torch.empty(3, *size_of(numbers), dtype=torch.uint8)
        for rows in bands(numbers):
            seen[:, rows] = self._srgb(numbers[:, rows])
        return seen

    def back(self, frame: Tensor, numbers: Tensor, replaced: Tensor) -> Tensor:
        """What became of ``seen(numbers)``, [3 or more, H', W'], in the file's colors: uint8.

        ``replaced`` [1, H', W'] in [0, 1] is how much of each pixel is new; where nothing is, and the size is the same, pixels
        keep their very numbers.
        """
        same = size_of(frame) == size_of(numbers)
        result = torch.empty(len(numbers), *size_of(frame), dtype=torch.uint8)
        left = None if same else self._grown(self._left_out(numbers), size_of(frame))
        for rows in bands(frame):
            own = self._left_out(numbers[:, rows]) if left is None else left[:, rows]
            made = self._file(frame[:3, rows]).float() + own * (1 - replaced[:, rows])
            result[:, rows] = made.round_().clamp_(0, _HIGHEST).byte()
        return result

    def _left_out(self, numbers: Tensor) -> Tensor:
        """What of the file's numbers the way to sRGB and back changes, floating point."""
        return numbers.float() - self._file(self._srgb(numbers)).float()

    @staticmethod
    def _grown(left: Tensor, size: tuple[int, int]) -> Tensor:
        each = left.div_(2 * _HIGHEST).add_(0.5).split(1)  # one by one: a fourth channel would be taken for alpha
        return torch.cat([resize_lanczos(plane, size) for plane in each]).sub_(0.5).mul_(2 * _HIGHEST)

    def _srgb(self, numbers: Tensor) -> Tensor:
        return _converted(self._forward, numbers, self.mode, _RGB)

    def _file(self, pixels: Tensor) -> Tensor:
        assert self._backward is not None  # noqa: S101 - who has no way back is not asked for it
        stored = as_kind_of(in_unit_range(pixels), torch.empty(0, dtype=torch.uint8))
        return _converted(self._backward, stored, _RGB, self.mode)


def planes_of(image: Image.Image) -> np.ndarray:
    """A picture in CMYK or Lab → [H, W, 4 or 3], as ``InkSpace`` takes them."""
    array = np.array(image)
    return with_signs(array) if image.mode == LAB else array


def with_signs(array: np.ndarray) -> np.ndarray:
    """Lab as a file has it [H, W, 3] → around 128, in place; and back."""
    array[:, :, 1:] ^= _SIGNED
    return array


def image_of_planes(array: np.ndarray, mode: str) -> Image.Image:
    """[H, W, C] uint8 → a picture of this mode."""
    array = with_signs(array.copy()) if mode == LAB else array
    return Image.frombytes(mode, array.shape[1::-1], np.ascontiguousarray(array).tobytes())


def _converted(transform: Transform, numbers: Tensor, source: str, target: str) -> Tensor:
    """[C, h, w] uint8 → [C', h, w] uint8."""
    image = ImageCms.applyTransform(image_of_planes(numbers.movedim(0, -1).numpy(), source), transform)
    if image is None:
        raise ProfileError("Little CMS cannot use it")
    return torch.from_numpy(planes_of(image) if target != _RGB else np.array(image)).movedim(-1, 0)


def _transform(
    source: ImageCms.ImageCmsProfile, source_mode: str, target: ImageCms.ImageCmsProfile, target_mode: str
) -> Transform | None:
    """None where the profiles know no such way."""
    try:
        return ImageCms.buildTransform(
            source, target, source_mode, target_mode, ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )  # fmt: skip
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None

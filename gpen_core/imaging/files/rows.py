"""The pixels of a file that is written, made a band of rows at a time: the one place where they are rounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image
from torch import Tensor

from ...threads import side_by_side
from ..spaces.inks import LAB, with_signs
from .unseen import without_unseen

_BLOCK = 1 << 17  # numbers rounded at a time: they stay in a core's cache
_BAND = 1 << 21  # pixels that are made at a time for an encoder that wants all of them in one piece
_TOGETHER = 16  # rows that encoders compress together: bands end between those
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class PictureRows:
    """A picture's numbers as a file holds them, by rows.

    Args:
        numbers: [3 or 4, H, W] RGB or RGBA on the CPU: uint8, uint16, or floating point in [0, 1].
        dtype: Of the file's numbers: uint8, uint16, or floating point.
        gray: Whether the file holds one channel of color.
        on_white: Whether alpha is blended onto white.
    """

    def __init__(self, numbers: Tensor, dtype: np.dtype, *, gray: bool = False, on_white: bool = False) -> None:
        self._planes = numbers.detach().numpy() if not numbers.is_floating_point() else numbers.detach().float().numpy()
        self._gray, self._on_white = gray, on_white and len(numbers) == 4
        alpha = len(numbers) == 4 and not self._on_white
        self.shape = (int(numbers.shape[1]), int(numbers.shape[2]), (1 if gray else 3) + alpha)
        self.dtype = np.dtype(dtype)

    def band(self, first: int, end: int) -> np.ndarray:
        """Rows [first, end), [h, W, C]."""
        part = self._planes[:, first:end]
        if part.dtype == self.dtype and not self._gray and not self._on_white and self.dtype.kind == "u":
            return part.transpose(1, 2, 0)
        return interleaved(self._composed(part), self.dtype)

    def alpha(self, first: int, end: int) -> np.ndarray:
        """The last channel of rows [first, end), [h, W]."""
        part = self._planes[-1:, first:end]
        return part[0] if part.dtype == self.dtype else interleaved(_in_unit(part), self.dtype)[..., 0]

    def seen(self) -> PictureRows:
        """The colors alone of a picture with alpha, 8 bits; see ``without_unseen``."""
        return _SeenRows(self)

    def bands(self) -> Iterator[tuple[int, np.ndarray]]:
        """All of them, from the top, each with its first row."""
        step = max(1, _BAND // max(1, self.shape[1]) // _TOGETHER) * _TOGETHER
        return ((top, self.band(top, min(top + step, self.shape[0]))) for top in range(0, self.shape[0], step))

    def image(self) -> Image.Image:
        """All of them as a Pillow image of 8 bits."""
        height, width, _ = self.shape
        image = Image.new(self.mode, (width, height))
        for top, band in self.bands():
            image.paste(Image.frombytes(self.mode, band.shape[1::-1], band.tobytes()), (0, top))
        return image

    @property
    def mode(self) -> str:
        """Pillow's name of what the numbers are."""
        return ("L", "LA", "RGB", "RGBA")[self.shape[2] - 1]

    def _composed(self, part: np.ndarray) -> np.ndarray:
        """[3 or 4, h, W] → [C, h, W] floating point in [0, 1]."""
        part = _in_unit(part)
        if self._on_white:
            alpha = part[3:].clip(0, 1)
            part = part[:3].clip(0, 1) * alpha + (1 - alpha)
        if self._gray:
            red, green, blue = part[:3]  # of gray numbers, those very numbers
            luma = red + _LUMA[1] * (green - red) + _LUMA[2] * (blue - red)
            part = np.concatenate((luma[None], part[3:]))
        return part


class _SeenRows(PictureRows):
    def __init__(self, whole: PictureRows) -> None:
        self._whole, self.dtype = whole, whole.dtype
        self.shape = (*whole.shape[:2], 3)

    def band(self, first: int, end: int) -> np.ndarray:
        whole = self._whole.band(first, end)
        colors = np.empty((*whole.shape[:2], 3), np.uint8)
        step = max(1, _BLOCK // (_TOGETHER * whole.shape[1])) * _TOGETHER
        for top in range(0, len(whole), step):  # little at a time: sums take many times a picture's own bytes
            colors[top : top + step] = without_unseen(whole[top : top + step])
        return colors


class InkRows(PictureRows):
    """The same of a picture in CMYK or Lab, [4 or 3, H, W] uint8 (see ``InkSpace``)."""

    def __init__(self, numbers: Tensor, mode: str) -> None:
        super().__init__(numbers[:3], np.dtype(np.uint8))
        self._planes, self._mode = numbers.numpy(), mode
        self.shape = (int(numbers.shape[1]), int(numbers.shape[2]), len(numbers))

    @property
    def mode(self) -> str:
        """Pillow's name of what the numbers are."""
        return self._mode

    def band(self, first: int, end: int) -> np.ndarray:
        """Rows [first, end), [h, W, C], as a file has them."""
        part = np.ascontiguousarray(self._planes[:, first:end].transpose(1, 2, 0))
        return with_signs(part) if self._mode == LAB else part


def _in_unit(part: np.ndarray) -> np.ndarray:
    """Whole numbers as floating point in [0, 1]."""
    return part.astype(np.float32) / np.float32(np.iinfo(part.dtype).max) if part.dtype.kind == "u" else part


def interleaved(planes: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """[C, h, W] floating point → [h, W, C]; of whole numbers, clamped to [0, 1] and rounded."""
    channels, height, width = planes.shape
    array = np.empty((height, width, channels), dtype)
    whole = array.dtype.kind == "u"
    highest = np.float32(np.iinfo(array.dtype).max if whole else 1)

    def strip(first: int) -> None:
        for begin in range(first, min(first + strip_rows, height), block_rows):
            rows = slice(begin, begin + block_rows)
            scaled = planes[:, rows] * highest
            if whole:
                np.rint(np.clip(scaled, 0, highest, out=scaled), out=scaled)
            for channel, numbers in enumerate(scaled.astype(array.dtype)):
                array[rows, :, channel] = numbers  # one after the other: half the time of all as one transposed copy

    block_rows = max(1, _BLOCK // max(1, channels * width))
    strip_rows = 8 * block_rows  # for a thread, which costs some tens of microseconds
    side_by_side(strip, range(0, height, strip_rows))
    return array


def as_image(pixels: Tensor) -> Image.Image:
    """Convert [3 or 4, H, W] RGB or RGBA on the CPU to an 8-bit Pillow image; values are clamped to [0, 1] and rounded."""
    return Image.fromarray(interleaved(pixels.detach().float().numpy(), np.dtype(np.uint8)))

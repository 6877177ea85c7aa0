"""From what a decoder gives to numbers [H, W, C] of 8, 16 or 32 bits: gray, gray and alpha, RGB or RGBA."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...errors import ImageError
from .tiff_layout import CIELAB, CMYK, WHITE_IS_ZERO, Layout

GRAY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
_MULTIPLIED, _STRAIGHT = 1, 2  # of alpha, in a TIFF's extra samples
_BAND = 1 << 21  # pixels
_FARTHEST = 16.0  # a light source in a picture of high dynamic range; beyond it, the numbers are of another range


def of_image(image: Image.Image) -> np.ndarray:
    """A decoded picture of 8 bits, in RGB or gray, uint8 [H, W, 1 … 4]."""
    has_alpha = "A" in image.getbands() or "a" in image.mode or "transparency" in image.info
    gray = image.mode in GRAY_MODES
    if gray:
        array = _array(image, "RGBA" if has_alpha else "L")
        return np.ascontiguousarray(array[:, :, [0, 3]]) if has_alpha else array
    return _array(image, "RGBA" if has_alpha else "RGB")


def of_webp(image: Image.Image) -> np.ndarray:
    """The same of a WebP file: its decoder's own buffer, where Pillow lets have it, instead of two copies more."""
    take = getattr(image, "_get_next", None)
    if take is None or image.mode not in ("RGB", "RGBA"):
        return of_image(image)
    width, height = image.size
    data = take()[0]
    image._decoder = None  # type: ignore[attr-defined]
    array = np.frombuffer(data, np.uint8).reshape(height, width, -1)
    return np.ascontiguousarray(array[:, :, : len(image.mode)])


def of_page(name: str, samples: np.ndarray, layout: Layout) -> tuple[np.ndarray, list[str]]:
    """The samples of a TIFF's page → uint8, uint16 or float32 [H, W, 1 … 4]; and what is left out, in words."""
    notes = []
    if samples.dtype == np.uint32:
        samples = (samples >> 16).astype(np.uint16)
        notes.append("its 32 bits per channel were reduced to 16")
    if samples.dtype.kind == "f":
        samples = _checked(name, samples.astype(np.float32, copy=False))
    highest = 1.0 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
    if layout.photometric == WHITE_IS_ZERO:
        samples[:, :, :1] = highest - samples[:, :, :1]
    if layout.photometric in (CMYK, CIELAB):
        return samples[:, :, : layout.colors], [*notes, *_left_out(samples.shape[2] - layout.colors)]
    extra = layout.extra[:1] if samples.shape[2] > layout.colors else ()
    channels = layout.colors + (extra in ((_MULTIPLIED,), (_STRAIGHT,)))
    if samples.shape[2] > channels:
        notes += _left_out(samples.shape[2] - channels)
        samples = np.ascontiguousarray(samples[:, :, :channels])
    if extra == (_MULTIPLIED,):
        _divide(samples, highest)
    return samples, notes


def _left_out(channels: int) -> list[str]:
    return [f"{channels} extra channel{' is' if channels == 1 else 's are'} left out"] if channels else []


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Undo EXIF orientations 1 … 8 (TIFF 6.0, tag 274)."""
    if orientation in (5, 6, 7, 8):
        array = array.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)


def as_tensor(array: np.ndarray) -> Tensor:
    """[H, W, 1 … 4] → [3 or 4, H, W] without a copy, but of gray with alpha."""
    if array.dtype == np.uint16 and not hasattr(torch, "uint16"):  # before 2.3
        array = array.astype(np.float32) / 65535
    if array.shape[2] == 2:
        array = array[:, :, [0, 0, 0, 1]]
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    return tensor.expand(3, -1, -1) if len(tensor) == 1 else tensor


def with_key(array: np.ndarray, key: bytes | None) -> np.ndarray:
    """16 bits [H, W, 1 or 3], of which one value or color stands for "nothing here" → the same with alpha."""
    if key is None or len(key) != 2 * array.shape[2] or array.shape[2] not in (1, 3):
        return array
    result = np.empty((*array.shape[:2], array.shape[2] + 1), array.dtype)
    result[:, :, :-1] = array
    result[:, :, -1] = (array != np.frombuffer(key, ">u2")).any(-1) * np.uint16(65535)
    return result


def bands(image: Image.Image, mode: str) -> Iterator[tuple[int, np.ndarray]]:
    """[h, W, C] from the top, each with its first row: all at once, Pillow's own way takes all of it three times."""
    image.load()
    width, height = image.size
    step = max(1, _BAND // max(1, width))
    for top in range(0, height, step):
        band = image.crop((0, top, width, min(top + step, height)))
        yield top, np.asarray(band if band.mode == mode else band.convert(mode)).reshape(-1, width, len(mode))


def _array(image: Image.Image, mode: str) -> np.ndarray:
    """[H, W, C]."""
    array = np.empty((image.height, image.width, len(mode)), np.uint8)
    for top, band in bands(image, mode):
        array[top : top + len(band)] = band
    return array


def _checked(name: str, floats: np.ndarray) -> np.ndarray:
    lowest, highest = float(floats.min()), float(floats.max())  # NaN comes through
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise ImageError(f"{name}: its numbers are not all finite. Find the step that made NaN or infinity.")
    if highest > _FARTHEST or lowest < -_FARTHEST:
        raise ImageError(
            f"{name}: a floating-point picture has values in 0 … 1; this one has {lowest:g} to {highest:g}. Divide them first."
        )
    return floats


def _divide(samples: np.ndarray, highest: float) -> None:
    """Colors that were multiplied by alpha as they were before, in place, by bands of rows."""
    for begin in range(0, len(samples), 256):
        part = samples[begin : begin + 256]
        alpha = part[:, :, -1:].astype(np.float32)
        colors = part[:, :, :-1] * (highest / np.maximum(alpha, highest * 1e-6))
        part[:, :, :-1] = np.clip(np.rint(colors) if highest > 1 else colors, 0, highest)

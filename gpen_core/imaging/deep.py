"""Read pictures of 16 bits per channel, which Pillow reduces to 8: it is asked for the high bytes, then for the low ones."""

from __future__ import annotations

import io
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ImageError

_PHOTOMETRIC, _PLANAR, _EXTRA_SAMPLES = 262, 284, 338
_SWAPPED = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
_HEADER, _DEPTH, _COLORS, _CRC = 12, 24, 25, 29  # where a PNG file has them
_GRAY_AND_ALPHA, _RGB_AND_ALPHA = 4, 6


def decode_deep(path: Path, image: Image.Image) -> np.ndarray:
    """Decode a 16-bit PNG or TIFF file.

    Args:
        path: The file.
        image: The same, as Pillow opened it.

    Returns:
        [H, W, 3 or 4] RGB or RGBA as stored, float32 in [0, 1].

    Raises:
        ImageError: It is of a kind that is not supported.
    """
    tags = dict(image.tag_v2) if image.format == "TIFF" else {}  # type: ignore[attr-defined]
    if tags.get(_PLANAR) == 2 or tags.get(_PHOTOMETRIC, 2) not in (0, 1, 2):
        raise ImageError(
            f"{path.name}: 16-bit TIFF with separate planes or without RGB colors is not supported. Save it as interleaved RGB."
        )
    array = _numbers(path, image).astype(np.float32) / 65535
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero
        array = 1 - array
    if array.shape[2] == 4 and 1 in np.atleast_1d(tags.get(_EXTRA_SAMPLES, 0)):  # colors already multiplied by alpha
        array[:, :, :3] = np.clip(array[:, :, :3] / np.maximum(array[:, :, 3:], 1e-6), 0, 1)
    return array[:, :, [0, 0, 0, 1][: array.shape[2] + 2]] if array.shape[2] < 3 else array


def _numbers(path: Path, image: Image.Image) -> np.ndarray:
    """[H, W, 1 … 4] of 16 bits: gray, gray and alpha, RGB, or RGBA."""
    if image.mode.startswith("I"):  # gray keeps its bits
        return np.asarray(image.copy()).astype(np.uint16)[:, :, None]
    if image.format == "PNG" and path.read_bytes()[_COLORS] == _GRAY_AND_ALPHA:
        return _gray_and_alpha(path)
    numbers = _bytes(path, swapped=False).astype(np.uint16) << 8 | _bytes(path, swapped=True)
    if (key := image.info.get("transparency")) is None:
        return numbers
    alpha = (numbers != np.asarray(key, np.uint16)).any(-1, keepdims=True)  # one color stands for "nothing here"
    return np.concatenate((numbers, alpha * np.uint16(65535)), -1)


def _bytes(path: Path, *, swapped: bool) -> np.ndarray:
    """[H, W, 3 or 4]: the high bytes. ``swapped``: what Pillow takes for them in a file of the other order, the low ones."""
    with Image.open(path) as image:
        tiles = []
        for tile in image.tile:
            *place, arguments = tile
            rest = () if isinstance(arguments, str) else arguments[1:]
            mode, _, order = (arguments if isinstance(arguments, str) else arguments[0]).partition(";")
            if order not in _SWAPPED:
                raise ImageError(f"{path.name}: this kind of 16-bit image is not supported. Save it as a 16-bit PNG.")
            # As they are: Pillow would divide colors by alpha, of 8 bits.
            raw = f"{mode.replace('RGBa', 'RGBA')};{_SWAPPED[order] if swapped else order}"
            make = getattr(tile, "_make", tuple)  # a named tuple since Pillow 11
            tiles.append(make((*place, (raw, *rest) if rest else raw)))
        image.tile = tiles
        image.getexif()[0x0112] = 1  # or a TIFF is turned upright; of a PNG, asking for it reads the pixels
        return np.asarray(image.copy())  # of the pixels' size: a TIFF says what it will be when upright


def _gray_and_alpha(path: Path) -> np.ndarray:
    """The two numbers of 16 bits that a pixel has lie in the file as four of 8 do, filters included."""
    data = bytearray(path.read_bytes())
    data[_DEPTH], data[_COLORS] = 8, _RGB_AND_ALPHA
    data[_CRC : _CRC + 4] = zlib.crc32(data[_HEADER:_CRC]).to_bytes(4, "big")
    with Image.open(io.BytesIO(data)) as image:
        return np.ascontiguousarray(image).view(">u2").astype(np.uint16)

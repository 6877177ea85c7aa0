"""Pictures in other colors than RGB (inks, Lab, YCbCr) in sRGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ..spaces import ProfileError
from ..spaces.profiles import to_srgb
from .tiff_layout import CIELAB


def in_srgb(image: Image.Image, icc: bytes | None) -> tuple[Image.Image, list[str]]:
    """A picture of 8 bits in RGB: inks by their profile, where it can be used. And what is to be said of that, in words."""
    if image.mode == "YCbCr":
        return image.convert("RGB"), []
    name = image.mode.title() if image.mode == "LAB" else image.mode
    notes = [f"its {name} colors were converted to sRGB"]
    if icc and image.mode == "CMYK":
        try:
            return to_srgb(image, icc), notes
        except ProfileError as error:
            notes = [f"its color profile cannot be used ({error}): its {name} colors were converted without it"]
    return image.convert("RGB"), notes


def image_of(array: np.ndarray, photometric: int) -> Image.Image:
    """uint8 or uint16 [H, W, 3 or 4] of a TIFF in Lab or inks → a picture of 8 bits."""
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    mode = "LAB" if photometric == CIELAB else "CMYK"
    return Image.frombytes(mode, array.shape[1::-1], np.ascontiguousarray(array).tobytes())

"""Pictures in other colors than RGB as a file has them: inks, Lab, YCbCr."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ..spaces import InkSpace, ProfileError
from ..spaces.inks import CMYK, LAB, image_of_planes, planes_of, with_signs
from .arrays import of_image
from .tiff_layout import CIELAB

MODES = (CMYK, LAB, "YCbCr")


def decoded(image: Image.Image, icc: bytes | None) -> tuple[np.ndarray, InkSpace | None, list[str]]:
    """A picture of 8 bits in one of these modes → its numbers, their space, and what is to be said, in words.

    Without a usable profile nobody knows what color inks are: then the numbers are sRGB by rule of thumb, and have no space.
    """
    image.load()
    if image.mode not in (CMYK, LAB):
        return of_image(image.convert("RGB")), None, []
    note = f"its {image.mode} colors have no profile: they were converted to sRGB without one"
    try:
        if image.mode == LAB or icc:
            return planes_of(image), InkSpace(image.mode, icc), []
    except ProfileError as error:
        note = f"its color profile cannot be used ({error}): its {image.mode} colors were converted to sRGB without it"
    return of_image(image.convert("RGB")), None, [note]


def image_of(array: np.ndarray, photometric: int) -> tuple[Image.Image, list[str]]:
    """uint8 or uint16 [H, W, 3 or 4] of a TIFF in Lab or inks → a picture of 8 bits, and what is lost by that, in words."""
    notes = []
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
        notes.append("its 16 bits per channel were reduced to 8")
    if photometric != CIELAB:
        return image_of_planes(array, CMYK), notes
    return image_of_planes(with_signs(np.array(array)), LAB), notes

"""Makes the pictures that come with the pack: `python tests/browser/make_example_pictures.py nodes/pictures`.

They are made of scikit-image's astronaut: NASA's portrait of Eileen Collins, in the public domain. What is done to it is what
happens to photographs: enlarging a small copy, a lens out of focus, grain, compression, fading.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
from skimage import data

FACE = (96, 0, 352, 256)  # of the photograph: head and shoulders
TILE = 256


def worn(
    picture: Image.Image, *, small: float = 1, blur: float = 0, grain: float = 0, quality: int = 95
) -> Image.Image:
    """A picture of the same size that was made smaller by ``small``, went out of focus, got grain and was compressed."""
    size = picture.size
    made = picture.resize([round(side / small) for side in size], Image.Resampling.LANCZOS)
    made = made.filter(ImageFilter.GaussianBlur(blur))
    pixels = np.asarray(made, dtype=np.float32)
    pixels += np.random.default_rng(0).normal(0, grain, pixels.shape[:2])[..., None]
    made = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    packed = BytesIO()
    made.save(packed, "JPEG", quality=quality)
    return Image.open(packed).convert("RGB").resize(size, Image.Resampling.BICUBIC)


def faded(picture: Image.Image) -> Image.Image:
    """As a print that hung in the sun."""
    return ImageEnhance.Brightness(
        ImageEnhance.Contrast(ImageEnhance.Color(picture).enhance(0.4)).enhance(0.6)
    ).enhance(1.2)


def portrait(photo: Image.Image) -> Image.Image:
    """The whole photograph from a small, compressed copy."""
    return worn(photo, small=2.6, blur=0.6, grain=3, quality=60)


def contact_sheet(photo: Image.Image) -> Image.Image:
    """Six prints of one negative: two are good, the others are not."""
    close = photo.crop(FACE).resize((2 * TILE, 2 * TILE), Image.Resampling.LANCZOS).resize((TILE, TILE))
    mirrored = close.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    prints = [
        close,
        worn(mirrored, small=3, quality=60),
        worn(close, blur=2.2, grain=6),
        worn(mirrored, small=4, grain=3, quality=50),
        faded(worn(close, blur=1.8)),
        mirrored,
    ]
    sheet = Image.new("RGB", (3 * TILE, 2 * TILE))
    for place, made in enumerate(prints):
        sheet.paste(made, (place % 3 * TILE, place // 3 * TILE))
    return sheet


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    photo = Image.fromarray(data.astronaut())
    for name, make in (("portrait", portrait), ("contact_sheet", contact_sheet)):
        make(photo).save(folder / f"{name}.jpg", quality=88, optimize=True)

"""A contact sheet for judging a recipe: faces next to their degraded versions, with the values drawn for each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ...errors import OptionError
from .degrade import Degraded, Pixels, degrade, draw, draw_of
from .recipe import Degradation, DegradationRecipe, Weighted

_GAP = 8  # pixels around each pair
_BACKGROUND, _TEXT = (255, 255, 255), (0, 0, 0)


@dataclass(frozen=True, eq=False)
class Sample:
    """A face, the degradation drawn for it, and what that made of it."""

    degradation: Degradation
    result: Degraded


def samples(
    faces: Sequence[Pixels], recipe: DegradationRecipe | Sequence[Weighted], seed: int, count: int
) -> Iterator[Sample]:
    """``count`` samples of the faces ([S, S, 3] RGB in [0, 1]) in turn, degraded by a
    recipe or by several, drawn by their weights. Sample i depends on ``seed`` and i alone."""
    if not faces or count < 1:
        raise OptionError(f"a contact sheet needs at least one face and a count of 1, not {len(faces)} and {count}")
    for index in range(count):
        random = np.random.default_rng((seed, index))
        degradation = draw(recipe, random) if isinstance(recipe, DegradationRecipe) else draw_of(recipe, random)
        yield Sample(degradation, degrade(faces[index % len(faces)], degradation, random))


def contact_sheet(shown: Iterable[Sample], columns: int | None = None) -> NDArray[np.uint8]:
    """[H, W, 3] RGB: for each sample its target, the degraded face at its right, and ``caption`` below.

    All of one size; ``columns`` pairs in a row, by default so many that the sheet is about as wide as high.
    """
    cells = [_cell(sample) for sample in shown]
    if not cells:
        raise OptionError("a contact sheet needs at least one sample")
    columns = columns or max(1, round(math.sqrt(len(cells) / 2)))
    width, height = cells[0].size
    columns = min(columns, len(cells))
    rows = math.ceil(len(cells) / columns)
    sheet = Image.new("RGB", (columns * width, rows * height), _BACKGROUND)
    for index, cell in enumerate(cells):
        sheet.paste(cell, (index % columns * width, index // columns * height))
    return np.asarray(sheet)


def caption(degradation: Degradation) -> tuple[str, str]:
    """Two lines: the blur, in pixels of a 512 px crop; then shrinking, noise in 1/255, JPEG quality and colors. In letters
    that Pillow's own font has, which σ and × are not among."""
    rest = [
        "" if degradation.downsample is None else _shrunk(degradation.downsample),
        f"noise {degradation.noise_sigma:.1f}" if degradation.noise_sigma else "",
        f"grain {degradation.grain_sigma:.1f}" if degradation.grain_sigma else "",
        "" if degradation.jpeg_quality is None else f"{_codec(degradation)} {degradation.jpeg_quality}",
        "" if not degradation.gray else "gray" if degradation.gray_target else "gray, target in color",
        "mirrored" if degradation.flip else "",
        "" if degradation.again is None else "and again",
    ]
    return _blur(degradation), " · ".join(part for part in rest if part) or "nothing else"


def _blur(degradation: Degradation) -> str:
    degrees = f"{math.degrees(degradation.angle) % 180:.0f}°"
    along, across = degradation.sigma
    if degradation.blur is None:
        return "no blur"
    if degradation.blur == "motion":
        return f"motion blur, {degradation.length:.1f} px at {degrees}"
    if along == across:
        return f"blur of sigma {along:.1f} px"
    return f"blur of sigma {along:.1f} by {across:.1f} px at {degrees}"


def _codec(degradation: Degradation) -> str:
    return "WebP" if degradation.webp else "JPEG"


def _shrunk(factor: float) -> str:
    if factor < 1:
        return f"enlarged {1 / factor:.2f} times"
    return f"shrunk {factor:.1f} times"


def _cell(sample: Sample) -> Image.Image:
    size = sample.result.low.shape[0]
    height = max(10, size // 18)
    cell = Image.new("RGB", (2 * size + 2 * _GAP, size + 2 * _GAP + 3 * height), _BACKGROUND)
    pen, font = ImageDraw.Draw(cell), ImageFont.load_default(size=height)
    for number, pixels in enumerate((sample.result.target, sample.result.low)):
        cell.paste(Image.fromarray((pixels * 255).round().astype(np.uint8)), (_GAP + number * size, _GAP))
    for number, line in enumerate(caption(sample.degradation)):
        pen.text((_GAP, _GAP + size + 2 + number * round(1.4 * height)), line, fill=_TEXT, font=font)
    return cell

"""Things in front of a face: bars, hands, blobs and patches of other pictures, and exactly which pixels they cover."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...errors import OptionError
from .degrade import Pixels

Points = NDArray[np.float64]

_FINER = 4  # shapes are drawn this much larger and averaged down, so that their edges are smooth
_SHADE = 0.25  # how much darker a rounded thing is at its edge
_CHEEK = (slice(0.58, 0.68), slice(0.30, 0.40))  # rows and columns of an aligned face, as shares of its side


@dataclass(frozen=True, eq=False)
class Occluder:
    """``cover`` [S, S, 3] RGB in [0, 1] is what is seen where ``mask`` [S, S] is 1; between 0 and 1 at its edge. ``kind``: a
    key of ``KINDS``."""

    kind: str
    cover: Pixels
    mask: Pixels

    def before(self, face: Pixels) -> Pixels:
        """face: [S, S, 3] RGB in [0, 1] → the same, with this in front of it."""
        share = self.mask[:, :, None]
        covered: Pixels = face + (self.cover - face) * share
        return covered


def draw_occluder(kind: str, side: int, others: Sequence[Pixels], random: np.random.Generator) -> Occluder:
    """Something in front of the middle of an aligned face.

    Args:
        kind: "bar", "hand", "blob" or "patch".
        side: Of the face, in pixels.
        others: Other aligned faces [side, side, 3], of which hands get their color and patches their content.
        random: Draws everything else.

    Raises:
        OptionError: Unknown kind, or no other face.
    """
    if kind not in KINDS:
        raise OptionError(f"no occluder is called '{kind}'. Known: {', '.join(KINDS)}.")
    if not others:
        raise OptionError("an occluder needs at least one other face, to take its colors and content from")
    other = others[int(random.integers(len(others)))]
    return Occluder(kind, *KINDS[kind](side, other, random))


def _bar(side: int, other: Pixels, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Straight, across the whole face, of one color or striped."""
    center, angle = _place(side, random), random.uniform(0, math.pi)
    along, across = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
    length, width = 1.5 * side, random.uniform(0.06, 0.16) * side
    corners = [center + a * length * along + b * width / 2 * across for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    first, second = random.random((2, 3))
    y, x = np.mgrid[:side, :side]
    wave = np.sin((x * along[0] + y * along[1]) * 2 * math.pi / random.uniform(0.05, 0.2) / side) > 0
    striped = random.random() < 0.5
    cover = np.where(wave[:, :, None] & striped, second, first)
    return cover.astype(np.float32), _filled(side, [np.array(corners)])


def _hand(side: int, other: Pixels, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """A palm and fingers from below or from a side, in the color of another person's skin."""
    center, turn, size = _place(side, random), random.uniform(-1.2, 1.2), random.uniform(0.11, 0.17) * side
    up = np.array([math.sin(turn), -math.cos(turn)])
    right = np.array([math.cos(turn), math.sin(turn)])
    palm = center + size * 1.2 * -up
    shapes = [_ellipse(palm, right * size, up * size * 1.1)]
    for place, reach in zip((-0.75, -0.25, 0.25, 0.75), random.uniform(1.5, 2.3, 4), strict=True):
        lean = up + 0.25 * place * right
        shapes.append(
            _capsule(palm + place * size * right, palm + place * size * right + lean * size * reach, size * 0.22)
        )
    shapes.append(_capsule(palm, palm + size * (1.3 * right + 0.7 * up), size * 0.24))
    mask = _filled(side, shapes)
    return _rounded(mask, _skin(other) * random.uniform(0.65, 1.1), random), mask


def _blob(side: int, other: Pixels, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    mask = _filled(side, [_wobbly(side, random)])
    return _rounded(mask, random.random(3), random), mask


def _patch(side: int, other: Pixels, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """A piece of another picture, upside down, so that no eye lies on an eye."""
    cover = np.roll(other[::-1, ::-1], tuple(random.integers(0, side, 2)), (0, 1))
    return np.ascontiguousarray(cover), _filled(side, [_wobbly(side, random)])


KINDS: MappingProxyType[str, Callable[[int, Pixels, np.random.Generator], tuple[Pixels, Pixels]]] = MappingProxyType(
    {"bar": _bar, "hand": _hand, "blob": _blob, "patch": _patch}
)


def _place(side: int, random: np.random.Generator) -> Points:
    return random.uniform((0.32, 0.38), (0.68, 0.75)) * side


def _wobbly(side: int, random: np.random.Generator) -> Points:
    """A closed outline [N, 2] whose radius goes in a few waves."""
    angle = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    radius = np.ones_like(angle)
    for wave in (2, 3, 4):
        radius += random.uniform(0, 0.3 / (wave - 1)) * np.cos(wave * angle + random.uniform(0, 2 * math.pi))
    radius *= random.uniform(0.10, 0.22) * side
    outline: Points = _place(side, random) + radius[:, None] * np.stack((np.cos(angle), np.sin(angle)), 1)
    return outline


def _ellipse(center: Points, first: Points, second: Points) -> Points:
    angle = np.linspace(0, 2 * math.pi, 64, endpoint=False)[:, None]
    outline: Points = center + np.cos(angle) * first + np.sin(angle) * second
    return outline


def _capsule(start: Points, end: Points, radius: float) -> Points:
    """The outline of a line with round ends."""
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]])
    angle = np.linspace(-math.pi / 2, math.pi / 2, 16)[:, None]
    head = end + radius * (np.cos(angle) * along + np.sin(angle) * across)
    tail = start - radius * (np.cos(angle) * along + np.sin(angle) * across)
    return np.concatenate((head, tail))


def _filled(side: int, outlines: Sequence[Points]) -> Pixels:
    """Outlines [N, 2] of x and y → [side, side], the share of every pixel that is inside any of them."""
    import cv2

    large = np.zeros((side * _FINER, side * _FINER), np.uint8)
    for outline in outlines:
        cv2.fillPoly(large, [np.round(outline * _FINER).astype(np.int32)], 1)
    mask: Pixels = large.reshape(side, _FINER, side, _FINER).mean((1, 3), dtype=np.float32)
    return mask


def _skin(face: Pixels) -> NDArray[np.float64]:
    """The color of a cheek: [3]."""
    side = face.shape[0]
    rows, columns = (slice(round(part.start * side), round(part.stop * side)) for part in _CHEEK)
    color: NDArray[np.float64] = np.median(face[rows, columns].reshape(-1, 3).astype(np.float64), axis=0)
    return color


def _rounded(mask: Pixels, color: NDArray[np.float64], random: np.random.Generator) -> Pixels:
    """One color, darker towards the edges and uneven, as a thing with a surface is."""
    import cv2

    side = mask.shape[0]
    depth = cv2.GaussianBlur(mask, (0, 0), 0.03 * side)[:, :, None]
    uneven = cv2.GaussianBlur(random.standard_normal((side, side), np.float32), (0, 0), 0.02 * side)
    uneven = uneven[:, :, None] / max(float(uneven.std()), 1e-6) * np.float32(0.03)
    shaded = color.astype(np.float32) * (1 - _SHADE * 2 * (1 - depth).clip(0, 1) + uneven)
    cover: Pixels = np.clip(shaded, 0, 1).astype(np.float32)
    return cover

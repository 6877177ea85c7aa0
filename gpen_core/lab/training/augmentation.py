"""More pictures out of few: small changes of place, light and color, and things before the face. The degraded picture and its
target share them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import OptionError
from ..degradation.degrade import LUMA, Pixels

_GAMMA = math.log(2)  # of an exposure of ±1: middle gray moves by a factor of two in the exponent


@dataclass(frozen=True)
class AugmentationConfig:
    """The most that each sample is changed by, drawn uniformly up to it in both directions; 0 leaves that out.

    ``rotation`` in degrees, ``zoom`` as a share of the face's size, ``shift`` as a share of the crop's side: whoever aligns
    a face is off by so much. ``exposure`` is an exponent on the brightness, in octaves; ``contrast``, ``saturation`` and
    ``temperature`` are shares. ``occlusion`` is how often something lies before the face.
    """

    rotation: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    exposure: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    temperature: float = 0.0
    occlusion: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rotation", "zoom", "shift", "exposure", "contrast", "saturation", "temperature"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise OptionError(f"augmentation: {name} is 0 or more, not {getattr(self, name)}")
        if max(self.zoom, self.contrast, self.saturation, self.temperature) >= 1 or self.shift > _FARTHEST:
            raise OptionError(
                f"augmentation: zoom, contrast, saturation and temperature are below 1 and shift at most {_FARTHEST:g}"
            )
        if not 0 <= self.occlusion <= 1:
            raise OptionError(f"augmentation: occlusion is a probability, 0 … 1, not {self.occlusion}")

    @property
    def places(self) -> bool:
        return max(self.rotation, self.zoom, self.shift) > 0

    @property
    def colors(self) -> bool:
        return max(self.exposure, self.contrast, self.saturation, self.temperature) > 0


_FARTHEST = 0.5
_NOTHING = AugmentationConfig()


def augment(face: Pixels, config: AugmentationConfig, random: np.random.Generator) -> Pixels:
    """face: [S, S, 3] RGB in [0, 1] → the same, changed by what ``random`` draws; as it is where ``config`` asks for
    nothing."""
    if config == _NOTHING:
        return face
    turn, zoom, *shift, exposure, contrast, saturation, temperature = random.uniform(-1, 1, 8)
    covered = random.random() < config.occlusion
    if config.places:
        face = _moved(
            face, turn * config.rotation, 1 + zoom * config.zoom, (shift[0] * config.shift, shift[1] * config.shift)
        )
    if covered:
        face = _occluded(face, random)
    if config.colors:
        face = _lit(
            face,
            exposure * config.exposure,
            1 + contrast * config.contrast,
            1 + saturation * config.saturation,
            temperature * config.temperature,
        )
    return np.ascontiguousarray(np.clip(face, 0, 1), dtype=np.float32)


def _moved(face: Pixels, degrees: float, zoom: float, shift: tuple[float, float]) -> Pixels:
    """A similarity about the middle; what comes in from outside is mirrored. Bicubic: Lanczos takes six times as long."""
    import cv2

    side = face.shape[0]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, zoom)
    matrix[:, 2] += np.multiply(shift, side)
    moved: Pixels = cv2.warpAffine(face, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return moved


def _lit(face: Pixels, exposure: float, contrast: float, saturation: float, temperature: float) -> Pixels:
    """Exposure as an exponent; then contrast about the mean, saturation and temperature, which are one matrix."""
    import cv2

    face = cv2.pow(np.clip(face, 0, 1), math.exp(-_GAMMA * exposure))
    middle = face.mean()
    tint = _tint(saturation, temperature)
    offset = (1 - contrast) * middle * tint.sum(axis=1, keepdims=True)
    lit: Pixels = cv2.transform(face, np.hstack([contrast * tint, offset]))
    return lit


def _tint(saturation: float, temperature: float) -> NDArray[np.float64]:
    """[3, 3]: what RGB is multiplied by."""
    warmth = np.array([1 + temperature, 1, 1 - temperature])
    warmth /= warmth @ LUMA  # as bright as before
    gray = np.tile(LUMA.astype(np.float64), (3, 1))
    return np.diag(warmth) @ (gray + saturation * (np.eye(3) - gray))


def _occluded(face: Pixels, random: np.random.Generator) -> Pixels:
    """A rotated ellipse that shows another part of the picture, mirrored and with other lighting, or one color: like a hand, a
    microphone, or another person's hair."""
    import cv2

    side = face.shape[0]
    middle = random.uniform(0.1, 0.9, 2) * side
    axes = random.uniform(0.06, 0.28, 2) * side
    mask = np.zeros((side, side), np.float32)
    ends = tuple(round(value) for value in middle), tuple(max(1, round(value)) for value in axes)
    cv2.ellipse(mask, *ends, random.uniform(0, 180), 0, 360, 1.0, cv2.FILLED)
    mask = cv2.GaussianBlur(mask, (0, 0), 0.004 * side)[:, :, None]
    if random.random() < 0.5:
        down, across = random.integers(side // 4, side, 2)
        cover = np.roll(face[::-1], (down, across), (0, 1)) * np.float32(random.uniform(0.6, 1.0))
    else:
        cover = np.broadcast_to(random.random(3, np.float32), face.shape)
    occluded: Pixels = face + (cover - face) * mask
    return occluded

"""Degrade a face."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import ImageError
from ...imaging.luma import BT601
from .kernels import gaussian_kernel, motion_kernel
from .recipe import REFERENCE_SIZE, Degradation, DegradationRecipe, Weighted

Pixels = NDArray[np.float32]
LUMA = np.array(BT601, dtype=np.float32)

_PREFILTERED = MappingProxyType({"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS})
_LEAST_GRAIN = 1e-6  # of a picture of one pixel
_SUPPORT = 5  # sigmas; what a Gaussian has beyond is less than float32 resolves


@dataclass(frozen=True, eq=False)
class Degraded:
    """``low`` is what a network sees, ``target`` what it should make of it; both [S, S, 3] RGB in [0, 1], float32.
    ``small`` [s, s, 3] is ``low`` before it was enlarged to S again."""

    low: Pixels
    target: Pixels
    small: Pixels


def draw(recipe: DegradationRecipe, random: np.random.Generator) -> Degradation:
    """One sample's degradation. Draws the same number of values whatever they turn out to be, so that a recipe changed
    in one range leaves the other draws as they were. What the published recipes lack is drawn from a child of ``random``,
    and so leaves what follows as it was, too."""
    kind, blurred, first, second, angle, down, noise, quality, gray, flip = random.random(10)
    child = random.spawn(1)[0]
    shrinks, noisy, compressed, webp, shrinking, enlarging, grainy, grain, size, again = child.random(10)
    shares = np.cumsum(recipe.blur_kinds) / sum(recipe.blur_kinds)
    isotropic, motion = kind < shares[0], kind >= shares[1]
    sigma = recipe.blur_sigma.at(first)
    blur = "motion" if motion else "gaussian"
    return Degradation(
        blur=blur if blurred < recipe.blur_probability else None,
        sigma=(sigma, sigma if isotropic else recipe.blur_sigma.at(second)),
        length=recipe.motion_length.at(first),
        angle=(2 * angle - 1) * math.pi,
        kernel=recipe.blur_kernel,
        downsample=recipe.downsample.at(down) if shrinks < recipe.downsample_probability else None,
        downsample_size=recipe.downsample_size,
        noise_sigma=recipe.noise_sigma.at(noise) if noisy < recipe.noise_probability else 0.0,
        jpeg_quality=round(recipe.jpeg_quality.at(quality)) if compressed < recipe.jpeg_probability else None,
        gray=bool(gray < recipe.gray_probability),
        gray_target=recipe.gray_target,
        flip=bool(flip < recipe.flip_probability),
        webp=bool(webp < recipe.webp_probability),
        shrinking=_one_of(recipe.kernels, shrinking),
        enlarging=_one_of(recipe.kernels, enlarging),
        grain_sigma=recipe.grain_sigma.at(grain) if grainy < recipe.grain_probability else 0.0,
        grain_size=recipe.grain_size.at(size),
        again=draw(replace(recipe, again_probability=0.0), child) if again < recipe.again_probability else None,
    )


def draw_of(recipes: Sequence[Weighted], random: np.random.Generator) -> Degradation:
    """One sample's degradation, of a recipe drawn by the weights."""
    bounds = np.cumsum([one.weight for one in recipes])
    chosen = int(np.searchsorted(bounds, random.random() * bounds[-1], side="right"))
    return draw(recipes[min(chosen, len(recipes) - 1)].degradation, random)


def degrade(face: Pixels, degradation: Degradation, random: np.random.Generator) -> Degraded:
    """face: [S, S, 3] RGB in [0, 1] → the same size, in the order blur, grain, shrink, noise, JPEG or WebP, enlarge; and once
    more where that was drawn.

    ``random`` draws noise and grain only. Bilinear resampling is without a prefilter, as the published recipe has it:
    the blur before is its low-pass.
    """
    if face.ndim != 3 or face.shape[2] != 3 or face.shape[0] != face.shape[1]:
        raise ImageError(f"a face to degrade must be [S, S, 3], not {list(face.shape)}")
    face = face[:, ::-1] if degradation.flip else face
    gray = np.repeat((face @ LUMA)[:, :, None], 3, axis=2) if degradation.gray else face
    low, small = _round(np.ascontiguousarray(gray, dtype=np.float32), degradation, random)
    if degradation.again is not None:
        low, small = _round(low, degradation.again, random)
    target = gray if degradation.gray_target else face
    return Degraded(low, np.ascontiguousarray(target, dtype=np.float32), small)


def _round(pixels: Pixels, degradation: Degradation, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """[S, S, 3] → the same size, and what it was before it was enlarged."""
    side = pixels.shape[0]
    low = _grained(_blurred(pixels, degradation), degradation, random)
    low = _resized(low, _shrunk(side, degradation), degradation.shrinking)
    if degradation.noise_sigma:
        low = low + random.standard_normal(low.shape, np.float32) * np.float32(degradation.noise_sigma / 255)
    if degradation.jpeg_quality is not None:
        low = (through_webp if degradation.webp else through_jpeg)(low, degradation.jpeg_quality)
    small = np.clip(low, 0, 1)
    return np.clip(_resized(small, side, degradation.enlarging), 0, 1), small


def through_jpeg(pixels: Pixels, quality: int) -> Pixels:
    """[H, W, 3] RGB in [0, 1] → the same, written as a JPEG file (4:2:0) and read again."""
    return _through(pixels, ".jpg", [_cv2().IMWRITE_JPEG_QUALITY, quality])


def through_webp(pixels: Pixels, quality: int) -> Pixels:
    """[H, W, 3] RGB in [0, 1] → the same, written as a lossy WebP file and read again."""
    return _through(pixels, ".webp", [_cv2().IMWRITE_WEBP_QUALITY, quality])


def _through(pixels: Pixels, suffix: str, options: list[int]) -> Pixels:
    cv2 = _cv2()
    bgr = np.ascontiguousarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8)[:, :, ::-1])
    done, data = cv2.imencode(suffix, bgr, options)
    if not done:
        raise ImageError(
            f"a picture of {pixels.shape[1]}×{pixels.shape[0]} could not be written as {suffix[1:].upper()}"
        )
    decoded: Pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1].astype(np.float32) / 255
    return decoded


def _grained(pixels: Pixels, degradation: Degradation, random: np.random.Generator) -> Pixels:
    """Film grain: the same in all channels, larger than a pixel, strongest in the midtones."""
    if not degradation.grain_sigma:
        return pixels
    sigma = degradation.grain_size * pixels.shape[0] / REFERENCE_SIZE
    grain = _cv2().GaussianBlur(random.standard_normal(pixels.shape[:2], np.float32), (0, 0), sigma)
    grain *= np.float32(degradation.grain_sigma / 255) / max(float(grain.std()), _LEAST_GRAIN)
    middle = np.clip(pixels, 0, 1).mean(axis=2)
    grained: Pixels = pixels + (grain * np.sqrt(4 * middle * (1 - middle)))[:, :, None]
    return grained


def _blurred(pixels: Pixels, degradation: Degradation) -> Pixels:
    if degradation.blur is None:
        return pixels
    cv2 = _cv2()
    scale = pixels.shape[0] / REFERENCE_SIZE
    side = max(1, 2 * round((degradation.kernel * scale - 1) / 2) + 1)
    first, second = (sigma * scale for sigma in degradation.sigma)
    blurred: Pixels
    if degradation.blur == "gaussian" and first == second:  # separable: a tenth of the time
        taps = gaussian_kernel(side, (first, second), 0.0)[side // 2]
        blurred = cv2.sepFilter2D(pixels, -1, taps / taps.sum(), taps / taps.sum(), borderType=cv2.BORDER_REFLECT_101)
        return blurred
    if degradation.blur == "motion":
        kernel = motion_kernel(side, degradation.length * scale, degradation.angle)
    else:
        side = min(side, 2 * math.ceil(_SUPPORT * max(first, second)) + 1)
        kernel = gaussian_kernel(side, (first, second), degradation.angle)
    # filter2D correlates; these kernels are symmetric about their middle, so that is the convolution.
    blurred = cv2.filter2D(pixels, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    return blurred


def _shrunk(size: int, degradation: Degradation) -> int:
    if degradation.downsample is None:
        return size
    kept = (degradation.downsample_size or size) / degradation.downsample
    return max(1, min(int(kept), size) if degradation.downsample_size else int(kept))


def _resized(pixels: Pixels, size: int, kernel: str) -> Pixels:
    side = pixels.shape[0]
    if side == size:
        return pixels
    if kernel in _PREFILTERED:
        channels = [
            Image.fromarray(channel).resize((size, size), _PREFILTERED[kernel]) for channel in _channels(pixels)
        ]
        return np.stack([np.asarray(channel) for channel in channels], axis=2)
    cv2 = _cv2()
    area = kernel == "area" and size < side
    resized: Pixels = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA if area else cv2.INTER_LINEAR)
    return resized


def _channels(pixels: Pixels) -> list[Pixels]:
    return [np.ascontiguousarray(pixels[:, :, channel], dtype=np.float32) for channel in range(pixels.shape[2])]


def _one_of(names: Sequence[str], fraction: float) -> str:
    return names[min(int(fraction * len(names)), len(names) - 1)]


def _cv2() -> Any:
    import cv2  # OpenCV takes 0.1 s to import, and a ComfyUI start needs none of it

    return cv2

"""Spoil a face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageError
from .kernels import gaussian_kernel, motion_kernel
from .recipe import REFERENCE_SIZE, Degradation, DegradationRecipe

Pixels = NDArray[np.float32]
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601, as JPEG and every grey conversion here

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
    in one range leaves the other draws as they were."""
    kind, blurred, first, second, angle, down, noise, quality, gray, flip = random.random(10)
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
        downsample=recipe.downsample.at(down),
        downsample_size=recipe.downsample_size,
        noise_sigma=recipe.noise_sigma.at(noise),
        jpeg_quality=round(recipe.jpeg_quality.at(quality)),
        gray=bool(gray < recipe.gray_probability),
        gray_target=recipe.gray_target,
        flip=bool(flip < recipe.flip_probability),
    )


def degrade(face: Pixels, degradation: Degradation, random: np.random.Generator) -> Degraded:
    """face: [S, S, 3] RGB in [0, 1] → the same size, in the order blur, shrink, noise, JPEG, enlarge.

    ``random`` draws the noise only. Bilinear resampling without a prefilter, as the published recipe has it: the blur
    before is its low-pass.
    """
    if face.ndim != 3 or face.shape[2] != 3 or face.shape[0] != face.shape[1]:
        raise ImageError(f"a face to degrade must be [S, S, 3], not {list(face.shape)}")
    face = face[:, ::-1] if degradation.flip else face
    gray = np.repeat((face @ _LUMA)[:, :, None], 3, axis=2) if degradation.gray else face
    low = _blurred(np.ascontiguousarray(gray, dtype=np.float32), degradation)
    low = _resized(low, _shrunk(face.shape[0], degradation))
    if degradation.noise_sigma:
        low = low + random.standard_normal(low.shape, np.float32) * np.float32(degradation.noise_sigma / 255)
    if degradation.jpeg_quality is not None:
        low = through_jpeg(low, degradation.jpeg_quality)
    small = np.clip(low, 0, 1)
    target = gray if degradation.gray_target else face
    return Degraded(_resized(small, face.shape[0]), np.ascontiguousarray(target, dtype=np.float32), small)


def through_jpeg(pixels: Pixels, quality: int) -> Pixels:
    """[H, W, 3] RGB in [0, 1] → the same, written as a JPEG file (4:2:0) and read again."""
    cv2 = _cv2()
    bgr = np.ascontiguousarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8)[:, :, ::-1])
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ImageError(f"a picture of {pixels.shape[1]}×{pixels.shape[0]} could not be written as JPEG")
    decoded: Pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1].astype(np.float32) / 255
    return decoded


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


def _resized(pixels: Pixels, size: int) -> Pixels:
    if pixels.shape[0] == size:
        return pixels
    cv2 = _cv2()
    resized: Pixels = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_LINEAR)
    return resized


def _cv2() -> Any:
    import cv2  # OpenCV takes 0.1 s to import, and a ComfyUI start needs none of it

    return cv2

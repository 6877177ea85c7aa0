"""How a graph wants its pictures, found by showing it a face that was spoiled: it restores it in the right convention only.

A restorer gives about the same picture back. That alone tells little: what is convolutions and leaky ReLUs does so with
pictures in [0, 255] as well, and nearly so with red and blue exchanged. So it is asked for more:

- Ranges are tried from the one with the most below zero. A graph of [0, 1] fails with [-1, 1], since black is not where it
  takes it to be; the reverse would pass.
- The noise on the face has to be gone, for the most part: of pictures in a range that is far too large, a network only makes
  copies.
- With red and blue in their places a face has the skin that the network knows, and is restored better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ...engines.onnx_runtime import Convention
from ...errors import CheckpointError

Run = Callable[[Tensor], Tensor]  # [1, 3, S, S] → [1, 3, S', S'], in the graph's own convention

_FACE = Path(__file__).resolve().parents[2] / "assets" / "probe-face.jpg"
_RANGES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))
# The sides, in pixels, at which restoration and face are compared: is it the same picture? how well is it restored?
_COARSE, _MIDDLE = 16, 64
# Numbers in brackets are the bundled model's.
_SAME = 0.06  # the most that the two differ by, coarsely (0.007, in a wrong range 0.15 and more)
_DENOISED = 0.8  # the most noise that is left, as a part of what was (0.45; in a range that is far too large 0.99)
_SURELY = 0.95  # the most that the better order's distance is of the other's (0.84)
_NOISE, _SHRINK = 0.03, 4  # how the face is spoiled


@dataclass(frozen=True)
class _Shown:
    """A face, the same shrunk and enlarged again, and that with noise, which is what graphs are shown."""

    face: Tensor
    soft: Tensor
    spoiled: Tensor


@dataclass(frozen=True)
class _Trial:
    """What came back: how far it is from the face, coarsely and looked at closer, and how much of the noise is left."""

    convention: Convention
    coarse: float
    distance: float
    noise: float


def convention_of(run: Run, size: int, name: str) -> Convention:
    """The graph's range and channel order.

    Args:
        run: The graph, which is run two to four times.
        size: Its pictures' side.
        name: What messages call it.

    Raises:
        CheckpointError: It restores the face in none of the usual conventions, or in either order about as well.
    """
    shown = _shown(size)
    trials = []
    for lowest, highest in _RANGES:
        trial = _tried(run, lowest, highest, shown, is_bgr=False)
        trials.append(trial)
        if trial.coarse <= _SAME and trial.noise <= _DENOISED:
            return _ordered(trial, _tried(run, lowest, highest, shown, is_bgr=True), name)
    nearest = min(trials, key=lambda trial: trial.coarse)
    raise CheckpointError(
        f"{name}: a noisy face comes back neither the same nor cleaner in [-1, 1], [0, 1] or [0, 255] (nearest: off by "
        f"{nearest.coarse:.2f}, {nearest.noise:.0%} of the noise left). It is no face restorer, or wants other pictures."
    )


def probe_face(size: int) -> Tensor:
    """The face that graphs are shown: [1, 3, size, size] RGB in [0, 1], aligned: NASA's, in the public domain."""
    with Image.open(_FACE) as image:
        pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None].float() / 255
    return F.interpolate(pixels, size=(size, size), mode="bicubic", antialias=True).clamp(0, 1)


def _shown(size: int) -> _Shown:
    face = probe_face(size)
    small = F.interpolate(face, size=(max(size // _SHRINK, 16),) * 2, mode="area")
    soft = F.interpolate(small, size=(size, size), mode="bicubic").clamp(0, 1)
    return _Shown(face, soft, soft + _NOISE * torch.randn(face.shape, generator=torch.Generator().manual_seed(0)))


def _tried(run: Run, lowest: float, highest: float, shown: _Shown, *, is_bgr: bool) -> _Trial:
    """What comes out is taken to be in the range in which it is most like the face."""
    made = run(Convention(lowest, highest, lowest, highest, is_bgr).into(shown.spoiled.clamp(0, 1)))
    if made.shape[-1] != shown.face.shape[-1]:
        made = F.adaptive_avg_pool2d(made, shown.face.shape[-1])
    conventions = (Convention(lowest, highest, *out, is_bgr) for out in _RANGES)
    return min((_judged(convention, made, shown) for convention in conventions), key=lambda trial: trial.coarse)


def _judged(convention: Convention, made: Tensor, shown: _Shown) -> _Trial:
    restored = torch.nan_to_num(convention.out_of(made), 9.0, 9.0, -9.0).clamp(-9, 9)
    noise = shown.spoiled - shown.soft
    left = float(((restored - shown.soft) * noise).sum() / noise.square().sum())
    coarse, middle = (_distance(restored, shown.face, side) for side in (_COARSE, _MIDDLE))
    return _Trial(convention, coarse, middle, left)


def _ordered(rgb: _Trial, bgr: _Trial, name: str) -> Convention:
    """The order in which the face comes back clearly better."""
    better, worse = sorted((rgb, bgr), key=lambda trial: trial.distance)
    if better.distance > _SURELY * worse.distance:
        raise CheckpointError(
            f"{name}: whether it wants RGB or BGR cannot be told: a face comes back about as well in either "
            f"(off by {better.distance:.4f} and {worse.distance:.4f}). Use the .pth file of the same model."
        )
    return better.convention


def _distance(a: Tensor, b: Tensor, side: int) -> float:
    """Root mean square, of both made as small as ``side``."""
    return float((F.adaptive_avg_pool2d(a, side) - F.adaptive_avg_pool2d(b, side)).square().mean().sqrt())

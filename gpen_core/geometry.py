"""Similarity transforms between frames and aligned crops. Matrices are [2, 3] float64, named by their direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .errors import OptionError

if TYPE_CHECKING:
    from .types import Box, Landmarks

TEMPLATE_SIZE = 512

# Left eye, right eye, nose, left and right mouth corner in a crop of 512 px.
TEMPLATES: MappingProxyType[str, Landmarks] = MappingProxyType(
    {
        # The published BFR models were made with these (GPEN's own alignment).
        "gpen": (
            (202.0407, 242.8840),
            (309.4302, 242.2900),
            (256.0768, 303.9592),
            (211.9598, 366.8282),
            (300.8911, 366.3363),
        ),
        # FFHQ's framing, as facexlib cuts its 512 px crops.
        "ffhq": (
            (192.98138, 239.94708),
            (318.90277, 240.1936),
            (256.63416, 314.01935),
            (201.26117, 371.41043),
            (313.08905, 371.15118),
        ),
    }
)


def template_points(name: str, size: int) -> Tensor:
    """The alignment template's five points.

    Args:
        name: "gpen" or "ffhq".
        size: Side of the crop, in pixels.

    Returns:
        [5, 2] float64, (x, y) in pixels of the crop: left eye, right eye, nose, left and right mouth corner.

    Raises:
        OptionError: Unknown template.
    """
    if name not in TEMPLATES:
        raise OptionError(f"unknown alignment template '{name}'. Known: {', '.join(TEMPLATES)}.")
    return torch.tensor(TEMPLATES[name], dtype=torch.float64) * (size / TEMPLATE_SIZE)


def fit_similarity(source: Tensor, target: Tensor) -> Tensor:
    """The similarity (rotation, uniform scale, translation) that best maps source points onto target points.

    Umeyama 1991. In two dimensions the least-squares solution is a complex division: with centered points as complex
    numbers, target ≈ c · source.

    Args:
        source: [N, 2] points, (x, y).
        target: [N, 2] points, (x, y).

    Returns:
        source_to_target [2, 3] float64, never a reflection.

    Raises:
        OptionError: The source points coincide or are not finite.
    """
    sources, targets = ([complex(*point) for point in points.tolist()] for points in (source, target))
    source_mean, target_mean = sum(sources) / len(sources), sum(targets) / len(targets)
    centered = [point - source_mean for point in sources]
    spread = sum((point * point.conjugate()).real for point in centered)
    if not math.isfinite(spread) or spread < 1e-9:
        raise OptionError(
            "the landmarks coincide or are not finite: no transform can be fitted. Check the detector's landmarks"
        )
    turn = sum(goal * point.conjugate() for goal, point in zip(targets, centered, strict=True)) / spread
    shift = target_mean - turn * source_mean
    return _matrix(turn.real, -turn.imag, shift.real, turn.imag, turn.real, shift.imag)


def invert_affine(matrix: Tensor) -> Tensor:
    """The inverse of an affine matrix.

    Args:
        matrix: [2, 3].

    Returns:
        [2, 3] float64.

    Raises:
        OptionError: The matrix is singular.
    """
    (a, b, x), (c, d, y) = matrix.tolist()
    determinant = a * d - b * c
    if determinant == 0:
        raise OptionError("this transform flattens the image to a line or a point and cannot be inverted")
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    return _matrix(a, b, -(a * x + b * y), c, d, -(c * x + d * y))


def compose(first: Tensor, then: Tensor) -> Tensor:
    """The affine matrix [2, 3] that applies ``first``, then ``then``, both [2, 3]."""
    (a, b, x), (c, d, y) = first.tolist()
    (e, f, u), (g, h, v) = then.tolist()
    top = e * a + f * c, e * b + f * d, e * x + f * y + u
    return _matrix(*top, g * a + h * c, g * b + h * d, g * x + h * y + v)


def _matrix(*values: float) -> Tensor:
    """Six numbers, row by row → [2, 3]. Computed in Python: one torch operation takes longer."""
    return torch.tensor((values[:3], values[3:]), dtype=torch.float64)


def apply_affine(matrix: Tensor, points: Tensor) -> Tensor:
    """Apply ``matrix`` [2, 3] to ``points`` [N, 2], (x, y) → [N, 2] float64."""
    return points.double() @ matrix[:, :2].T + matrix[:, 2]


def resize_affine(size: tuple[int, int], new_size: tuple[int, int]) -> Tensor:
    """The matrix of a resize: pixel centers move by (x + ½)·k − ½ on each axis.

    Args:
        size: (height, width) before.
        new_size: (height, width) after.

    Returns:
        [2, 3] float64.
    """
    ky, kx = new_size[0] / size[0], new_size[1] / size[1]
    return torch.tensor([[kx, 0.0, kx / 2 - 0.5], [0.0, ky, ky / 2 - 0.5]], dtype=torch.float64)


def size_of(picture: Tensor) -> tuple[int, int]:
    """(height, width) of an image [C, H, W] or a batch [B, C, H, W]."""
    return picture.shape[-2], picture.shape[-1]


def same_shape(size: tuple[int, int], other: tuple[int, int], tolerance: float = 0.02) -> bool:
    """Whether two sizes have the same aspect ratio, up to the few pixels lost to rounding or an upscaler's cropping.

    Args:
        size: (height, width).
        other: (height, width).
        tolerance: Allowed relative difference of the aspect ratios.
    """
    allowed = 1 + tolerance + 1 / min(*size, *other)  # rounding matters more in small images
    ratio = (other[1] / size[1]) / (other[0] / size[0])
    return 1 / allowed <= ratio <= allowed


def crop_affine(left: int, top: int) -> Tensor:
    """The matrix [2, 3] float64 of a crop that removes ``left`` columns and ``top`` rows."""
    return torch.tensor([[1.0, 0.0, -left], [0.0, 1.0, -top]], dtype=torch.float64)


def scale_of(matrix: Tensor) -> float:
    """Target pixels per source pixel along one side: the square root of the change in area."""
    (a, b, _), (c, d, _) = matrix.tolist()
    return math.sqrt(abs(a * d - b * c))


def mapped_box(matrix: Tensor, size: tuple[int, int]) -> Box:
    """The bounding box (x0, y0, x1, y1) of an image of ``size`` (height, width) after ``matrix`` [2, 3]."""
    height, width = size
    (left, right), (top, bottom) = (_span(row, width, height) for row in matrix.tolist())
    return left, top, right, bottom


def _span(row: Sequence[float], width: int, height: int) -> tuple[float, float]:
    """Least and greatest a·x + b·y + c of pixel edges: x from −½ to width − ½, y likewise."""
    a, b, c = row
    start = c - (a + b) / 2
    return start + min(a * width, 0.0) + min(b * height, 0.0), start + max(a * width, 0.0) + max(b * height, 0.0)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)

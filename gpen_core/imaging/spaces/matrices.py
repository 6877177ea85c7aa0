"""Spaces of three curves and a matrix: those of cameras and displays, and gray ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .curves import Curve, srgb_curve

D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
D65 = (0.3127, 0.3290)

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class MatrixColors:
    """Three curves, and a matrix from the space's light to sRGB's.

    Attributes:
        curves: Of red, green and blue.
        to_linear: [3, 3].
        from_linear: Its inverse.
    """

    curves: tuple[Curve, Curve, Curve]
    to_linear: Tensor
    from_linear: Tensor

    @classmethod
    def of(cls, curves: tuple[Curve, Curve, Curve], to_xyz: np.ndarray) -> MatrixColors:
        """``to_xyz`` [3, 3]: from the space's light to XYZ, adapted to D50. Raises ValueError where it has no inverse."""
        matrix = np.linalg.solve(xyz_of(SRGB_PRIMARIES, D65), to_xyz)
        matrix = matrix / matrix.sum(axis=1, keepdims=True)  # white is white, to the last bit
        if not np.isfinite(matrix).all() or np.linalg.cond(matrix) > 1e4:
            raise ValueError("its primaries are no three colors")
        back = np.linalg.inv(matrix)
        return cls(curves, *(torch.from_numpy(m.astype(np.float32)) for m in (matrix, back)))

    @classmethod
    def gray(cls, curve: Curve) -> MatrixColors:
        """Of a gray space: red, green and blue are the same."""
        return cls((curve, curve, curve), torch.eye(3), torch.eye(3))

    def to_srgb(self, colors: Tensor) -> Tensor:
        """[3, N] in [0, 1] → sRGB, clamped to [0, 1]."""
        light = torch.stack([curve.to_light(channel) for curve, channel in zip(self.curves, colors, strict=True)])
        return srgb_curve().to_stored(_product(self.to_linear, light).clamp_(0, 1))

    def from_srgb(self, colors: Tensor) -> Tensor:
        """The way back."""
        light = _product(self.from_linear, srgb_curve().to_light(colors)).clamp_(0, 1)
        return torch.stack([curve.to_stored(channel) for curve, channel in zip(self.curves, light, strict=True)])


def _product(matrix: Tensor, colors: Tensor) -> Tensor:
    """Sums written out: a host may have allowed that products of matrices are rounded to fewer bits."""
    return torch.stack([sum(weight * channel for weight, channel in zip(row, colors)) for row in matrix])


def xyz_of(primaries: Points, white: tuple[float, float]) -> np.ndarray:
    """[3, 3], from light to XYZ adapted to D50. Chromaticities are (x, y). Raises ValueError where they are no colors."""
    if any(y <= 0 for _, y in (*primaries, white)):
        raise ValueError("its chromaticities are no colors")
    columns = np.array([_xyz(point) for point in primaries]).T
    try:
        matrix = columns * np.linalg.solve(columns, _xyz(white))
    except np.linalg.LinAlgError as error:
        raise ValueError("its primaries are no three colors") from error
    cones = (_BRADFORD @ D50) / (_BRADFORD @ _xyz(white))
    return np.linalg.solve(_BRADFORD, cones[:, None] * _BRADFORD) @ matrix


def _xyz(point: tuple[float, float]) -> np.ndarray:
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])

"""ICC profiles (ICC.1:2022): of curves and a matrix, computed in floating point; of tables, through Little CMS."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import ImageCms

from .curves import Curve, parametric, power, table
from .matrices import MatrixColors
from .space import Space, is_srgb
from .tables import TableColors

_TAGS_AT, _MOST_TAGS = 128, 1000
_GRAY, _RGB = b"GRAY", b"RGB "


class ProfileError(ValueError):
    """A profile that can't be used; says why."""


def space_of_profile(icc: bytes, *, gray: bool) -> Space | None:
    """The space that a profile describes; None where that is sRGB for all that can be told.

    Args:
        icc: The profile.
        gray: Whether its picture is grayscale.

    Raises:
        ProfileError: It is damaged, or describes other colors than the picture's.
    """
    kind, tags = colors_of(icc), _tags(icc)
    if kind == _GRAY and gray and b"kTRC" in tags:
        curve = _curve(tags[b"kTRC"])
        colors = MatrixColors.gray(curve if icc[20:24] != b"Lab " else _of_lightness(curve))
        return None if is_srgb(colors) else Space(colors)
    if kind != _RGB:
        raise ProfileError(f"it describes {kind.decode('latin-1').strip()} colors")
    if b"A2B0" not in tags:
        try:
            curves = (_curve(tags[b"rTRC"]), _curve(tags[b"gTRC"]), _curve(tags[b"bTRC"]))
            matrix = np.array([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]).T
            colors = MatrixColors.of(curves, matrix)
        except (KeyError, ValueError, ZeroDivisionError) as error:
            raise ProfileError("it is incomplete or damaged") from error
        return None if is_srgb(colors) else Space(colors)
    tabled = TableColors.of(opened(icc))
    return None if is_srgb(tabled) else Space(tabled)


def colors_of(icc: bytes) -> bytes:
    """The kind of colors that it describes, as the profile names it: b"RGB ", b"GRAY", b"CMYK", … Raises ProfileError."""
    if len(icc) < _TAGS_AT + 4 or icc[36:40] != b"acsp":
        raise ProfileError("it is damaged")
    return icc[16:20]


def opened(icc: bytes) -> ImageCms.ImageCmsProfile:
    """The profile as Little CMS has it. Raises ProfileError."""
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except (OSError, ImageCms.PyCMSError) as error:
        raise ProfileError("it is damaged") from error


def _tags(icc: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack(">I", icc[_TAGS_AT : _TAGS_AT + 4])
    found = {}
    for number in range(min(count, _MOST_TAGS)):
        row = icc[_TAGS_AT + 4 + 12 * number :][:12]
        if len(row) == 12:
            name, offset, size = struct.unpack(">4sII", row)
            found[name] = icc[offset : offset + size]
    return found


def _curve(data: bytes) -> Curve:
    """Raises ValueError."""
    try:
        if data[:4] == b"curv":
            (count,) = struct.unpack(">I", data[8:12])
            samples = np.frombuffer(data[12 : 12 + 2 * count], ">u2")
            if len(samples) != count:
                raise ValueError("a curve is cut off")
            if count < 2:
                gamma = samples[0] / 256 if count else 1.0
                return Curve.of(power(float(gamma)))
            return Curve.of(table(samples / 65535))
        if data[:4] == b"para":
            kind = struct.unpack(">H", data[8:10])[0]
            count = (1, 3, 4, 5, 7)[kind]
            values = struct.unpack(f">{count}i", data[12 : 12 + 4 * count])
            return Curve.of(parametric(kind, tuple(value / 65536 for value in values)))
    except (struct.error, IndexError) as error:
        raise ValueError("a curve is cut off") from error
    raise ValueError("a curve of an unknown kind")


def _of_lightness(curve: Curve) -> Curve:
    """Of a gray profile that leads to Lab: its curve is of lightness."""

    def light(values: np.ndarray) -> np.ndarray:
        lightness = np.interp(values, np.linspace(0, 1, len(curve.light)), curve.light.numpy()) * 100
        return np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3)

    return Curve.of(light)


def _xyz(data: bytes) -> tuple[float, ...]:
    """Raises ValueError."""
    if data[:4] != b"XYZ " or len(data) < 20:
        raise ValueError("no color")
    return tuple(value / 65536 for value in struct.unpack(">3i", data[8:20]))

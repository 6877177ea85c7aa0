"""Colors that are described without a profile: PNG's gAMA, cHRM, sRGB and cICP chunks, HEIF's nclx, EXIF's Adobe RGB."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from .curves import Curve, bt709, hlg, power, pq, srgb
from .matrices import D65, SRGB_PRIMARIES, MatrixColors, Points, xyz_of
from .profiles import ProfileError
from .space import Space, is_srgb

_BT709, _BT470M, _BT470BG, _BT601, _FILM, _BT2020 = 1, 4, 5, 6, 8, 9  # of ITU-T H.273's color primaries
_PRIMARIES: dict[int, tuple[Points, tuple[float, float]]] = {
    _BT709: (SRGB_PRIMARIES, D65),
    _BT470M: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), (0.310, 0.316)),
    _BT470BG: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65),
    _BT601: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), D65),
    7: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), D65),
    _FILM: (((0.681, 0.319), (0.243, 0.692), (0.145, 0.049)), (0.310, 0.316)),
    _BT2020: (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), D65),
    11: (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), (0.314, 0.351)),
    12: (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), D65),
    22: (((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)), D65),
}  # fmt: skip
_TRANSFERS = {
    1: bt709, 4: power(2.2), 5: power(2.8), 6: bt709, 8: power(1.0), 13: srgb, 14: bt709, 15: bt709, 16: pq, 18: hlg,
}  # fmt: skip
_UNSPECIFIED = 2
_LIKE_SRGB = range(45000, 46001)  # gAMA of what displays show: programs write 45455 beside sRGB's own values
_GAMMA_SCALE, _POINT_SCALE = 100_000, 100_000


def space_of_png(chunks: Mapping[bytes, bytes], *, gray: bool) -> Space | None:
    """The space that a PNG file's chunks describe; None where that is sRGB, or nothing is described.

    Args:
        chunks: By their names.
        gray: Whether the file is grayscale.

    Raises:
        ProfileError: They describe nothing that can be one.
    """
    if (cicp := chunks.get(b"cICP")) is not None:
        if len(cicp) != 4:
            raise ProfileError(f"its cICP has {len(cicp)} bytes, not 4")
        return space_of_cicp(cicp[0], cicp[1], full_range=cicp[3] == 1)
    if b"sRGB" in chunks:
        return None
    gamma, points = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    value = struct.unpack(">I", gamma)[0] if len(gamma) == 4 else _LIKE_SRGB[0]
    if not 100 <= value <= 100 * _GAMMA_SCALE:
        raise ProfileError(f"its gamma is {value / _GAMMA_SCALE:g}")
    curve = Curve.of(srgb if value in _LIKE_SRGB else power(_GAMMA_SCALE / value))
    if gray or len(points) != 32:
        return _space((curve, curve, curve), SRGB_PRIMARIES, D65)
    numbers = [number / _POINT_SCALE for number in struct.unpack(">8I", points)]
    white, *primaries = zip(numbers[::2], numbers[1::2], strict=True)
    return _space((curve, curve, curve), tuple(primaries), white)


def space_of_cicp(primaries: int, transfer: int, *, full_range: bool = True) -> Space | None:
    """The space of these code points (ITU-T H.273); None where that is sRGB.

    Raises:
        ProfileError: It is none that pictures have.
    """
    points = _PRIMARIES.get(_BT709 if primaries == _UNSPECIFIED else primaries)
    function = _TRANSFERS.get(13 if transfer == _UNSPECIFIED else transfer)
    if points is None or function is None or not full_range:
        raise ProfileError(
            f"color primaries {primaries}, transfer {transfer}" + ("" if full_range else ", narrow range")
        )
    curve = Curve.of(function)
    return _space((curve, curve, curve), *points)


def adobe_rgb() -> Space:
    """What cameras name by EXIF's interoperability index R03 alone (DCF 2.0)."""
    curve = Curve.of(power(563 / 256))
    return Space(MatrixColors.of((curve, curve, curve), xyz_of(((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), D65)))


def _space(curves: tuple[Curve, Curve, Curve], primaries: Points, white: tuple[float, float]) -> Space | None:
    try:
        colors = MatrixColors.of(curves, xyz_of(primaries, white))
    except ValueError as error:
        raise ProfileError(str(error)) from error
    return None if is_srgb(colors) else Space(colors)

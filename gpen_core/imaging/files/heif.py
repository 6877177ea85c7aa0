"""Read HEIF files, as phones write them, through pillow-heif (the extra ``heif``)."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from ...commands import pip_install
from ...errors import ImageError
from .exif import PREFIX


def open_heif(name: str, file: BinaryIO) -> Any:
    """The file's main picture, as pillow-heif has it. Raises ImageError where the package is missing."""
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(
            f"{name}: reading HEIC and HEIF files needs the Python package pillow-heif ({error}): {pip_install('pillow-heif')}"
        ) from error
    file.seek(0)
    return pillow_heif.open_heif(file, convert_hdr_to_8bit=False)


def pixels_of(heif: Any) -> np.ndarray:
    """uint8 or uint16 [H, W, 1 … 4], upright."""
    array = np.asarray(heif)
    array = array[:, :, None] if array.ndim == 2 else array
    return array


def cicp_of(heif: Any) -> dict[bytes, bytes]:
    """How the file describes its colors where it has no profile, as PNG's cICP chunk does."""
    described = heif.info.get("nclx_profile")
    if not described or heif.info.get("icc_profile"):
        return {}
    points = int(described["color_primaries"]), int(described["transfer_characteristics"])
    return {b"cICP": bytes((*points, 0, 1))}  # decoded to RGB of the full range


def exif_of(heif: Any) -> bytes | None:
    """A block without prefix."""
    exif = heif.info.get("exif") or b""
    return bytes(exif).removeprefix(PREFIX) or None

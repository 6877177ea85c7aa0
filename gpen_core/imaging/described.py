"""What a Pillow image knows beside its pixels: its colors, and the entries of ``info`` that still hold of a result."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from .files import xmp
from .files.arrays import as_tensor
from .files.exif import PREFIX, about_the_picture, made_true, orientation_of, read_exif
from .files.ifd import SHORT, Block, entry, write_block
from .files.inks import MODES, decoded
from .spaces import InkSpace, ProfileError, Space, space_of_png, space_of_profile

GRAY_MODES = ("1", "L", "LA", "La")
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_OF_THE_FILE = {  # of how a file lays out its pixels, or of other pictures in it
    "transparency", "background", "interlace", "default_image", "loop", "duration", "timestamp", "blend", "disposal",
    "compression", "progressive", "progression", "jfif", "jfif_version", "jfif_unit", "jfif_density", "adobe",
    "adobe_transform", "flashpix", "mp", "mpoffset", "gamma", "chromaticity", "srgb", "exif", "icc_profile", "xmp",
    "XML:com.adobe.xmp", "photoshop",
}  # fmt: skip
_IPTC = 0x0404  # of Photoshop's resources; others show the picture as it was
_SCALE = 100_000


def space_of(image: Image.Image) -> Space | None:
    """The space of a gray or RGB image's colors; None where that is sRGB, or its description makes no sense."""
    gray, icc = image.mode in (*GRAY_MODES, *DEEP_MODES), image.info.get("icc_profile")
    try:
        space = space_of_profile(icc, gray=gray) if icc else space_of_png(_chunks(image.info), gray=gray)
    except ProfileError:
        return None
    return space if space is not None and space.leads_back else None


def in_rgb(image: Image.Image) -> Image.Image:
    """Inks, Lab and YCbCr in sRGB, by their profile; others as they are."""
    if image.mode not in MODES:
        return image
    numbers, space, _ = decoded(image, image.info.get("icc_profile"))
    seen = numbers if space is None else space.seen(as_tensor(numbers)).movedim(0, -1).numpy()
    converted = Image.fromarray(np.ascontiguousarray(seen))
    converted.info = {key: value for key, value in image.info.items() if key != "icc_profile"}
    return converted


def inks_of(image: Image.Image) -> tuple[Tensor, InkSpace] | None:
    """The numbers of a picture in CMYK or Lab and their space, if that leads back; else None."""
    if image.mode not in MODES:
        return None
    numbers, space, _ = decoded(image, image.info.get("icc_profile"))
    return None if space is None or not space.leads_back else (as_tensor(numbers), space)


def described(result: Image.Image, source: Image.Image) -> Image.Image:
    """The result with all that its source knew and that holds of it: sizes made true, without small copies of the source."""
    keep = {key: value for key, value in source.info.items() if key not in _OF_THE_FILE}
    if _channels(result) == _channels(source):
        keep |= {
            key: source.info[key] for key in ("icc_profile", "gamma", "chromaticity", "srgb") if key in source.info
        }
    if block := _exif(source, result.size):
        keep["exif"] = PREFIX + write_block(block)
    for key in ("xmp", "XML:com.adobe.xmp"):
        if packet := source.info.get(key):
            data = packet.encode() if isinstance(packet, str) else packet
            new = xmp.made_true(data, *result.size)
            keep[key] = new.decode() if isinstance(packet, str) else new
    resources = source.info.get("photoshop")
    if isinstance(resources, dict) and _IPTC in resources:
        keep["photoshop"] = {_IPTC: resources[_IPTC]}
    result.info.update(keep)
    return result


def _exif(image: Image.Image, size: tuple[int, int]) -> Block | None:
    try:
        data = image.info.get("exif") or image.getexif().tobytes()
        block = read_exif(data)
    except Exception:  # Pillow's own reader, of damaged data
        return None
    if block is None:
        return None
    orientation = orientation_of(block)
    block, _ = about_the_picture(block, of_tiff=image.format == "TIFF")
    if orientation != 1:  # the pixels were not turned
        block.main[274] = entry(SHORT, orientation, order=block.order)
    block = made_true(block, *size)
    return None if block.is_empty() else block


def _chunks(info: dict[Any, Any]) -> dict[bytes, bytes]:
    """PNG's description of colors, as Pillow read it."""
    if "srgb" in info:
        return {b"sRGB": b"\0"}
    chunks = {}
    if isinstance(gamma := info.get("gamma"), float):
        chunks[b"gAMA"] = struct.pack(">I", max(0, min(round(gamma * _SCALE), 2**32 - 1)))
    points = info.get("chromaticity")
    if isinstance(points, tuple) and len(points) == 8:
        chunks[b"cHRM"] = struct.pack(">8I", *(max(0, min(round(value * _SCALE), 2**32 - 1)) for value in points))
    return chunks


def _channels(image: Image.Image) -> str:
    """Which colors a profile of this picture describes."""
    if image.mode in GRAY_MODES or image.mode in DEEP_MODES:
        return "gray"
    return image.mode if image.mode in (*MODES, "HSV") else "RGB"

"""Read and write image files, keeping orientation, color profile, alpha and bit depth."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageCms, UnidentifiedImageError
from torch import Tensor

from ..errors import ImageError
from ..files import written_whole
from ..threads import side_by_side
from .deep import decode_deep
from .png import encode_png

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
WRITABLE = tuple(_FORMATS)
IMAGE_EXTENSIONS = (*WRITABLE, ".bmp")
_ORIENTATION, _BITS_PER_SAMPLE = 0x0112, 258
# What EXIF says of the photograph. The other tags of a TIFF describe how that very file is laid out.
_ABOUT_THE_PHOTO = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432, 34665, 34853)
_SUB_BLOCKS = (34665, 34853)  # Exif and GPS
_TEXT_TAGS = (271, 272, 315, 33432)  # those that tifffile has no argument for
_EXIF_PREFIX = b"Exif\0\0"
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 4},
    "TIFF": {"compression": "tiff_lzw"},
}
_BLOCK = 1 << 17  # numbers rounded at a time: they stay in a core's cache
_GRAY_AND_ALPHA = 4  # of a PNG file's colors
_GRAY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
_HAVE_ALPHA = ("PNG", "WEBP", "TIFF")


@dataclass(frozen=True, eq=False)
class Picture:
    """An image and what its file said about it.

    Attributes:
        pixels: [3, H, W] RGB or [4, H, W] RGBA, float32 in [0, 1], upright.
        icc: Color profile.
        exif: EXIF data with the orientation reset.
        gray: Whether the file is grayscale.
        bits: 8 or 16 per channel.
    """

    pixels: Tensor
    icc: bytes | None = None
    exif: bytes | None = None
    gray: bool = False
    bits: int = 8


def load_picture(path: str | Path) -> Picture:
    """Read an image file: PNG, JPEG, WebP, TIFF or BMP. 16-bit files keep their depth; CMYK is converted by its profile.

    Args:
        path: The file.

    Raises:
        ImageError: The file cannot be read.
    """
    path = Path(path)
    try:
        with Image.open(path) as image:
            if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
                raise ImageError(f"{path.name}: contains {image.n_frames} images. Split it into single files first.")
            return _read(path, image)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"{path.name}: not an image file, or an unsupported format.") from error
    except Exception as error:  # damaged files make Pillow's readers raise almost anything
        raise ImageError(f"{path.name}: cannot be read ({str(error) or type(error).__name__}).") from error


def save_picture(picture: Picture, path: str | Path, quality: int | None = None) -> None:
    """Write an image file in the format given by its extension. The file is replaced atomically.

    Args:
        picture: Alpha is blended onto white if the format doesn't support it; 16 bits are kept in PNG and TIFF.
        path: The file; missing folders are created.
        quality: Of JPEG and WebP, 1 … 100; None: 95. Other formats lose nothing.

    Raises:
        ImageError: The file cannot be written.
    """
    path = Path(path)
    file_format = _FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise ImageError(f"{path.name}: cannot write '{path.suffix}' files. Choose one of {', '.join(WRITABLE)}.")
    pixels = picture.pixels.detach().float().cpu()
    if len(pixels) == 4 and file_format not in _HAVE_ALPHA:
        pixels = pixels.clamp(0, 1)
        pixels = pixels[:3] * pixels[3:] + (1 - pixels[3:])
    try:
        with written_whole(path) as temporary:
            if file_format == "PNG":
                temporary.write_bytes(encode_png(_numbers(picture, pixels), picture.icc, _exif_block(picture.exif)))
            elif file_format == "TIFF" and picture.bits == 16:
                _write_tiff16(picture, _deep(picture, pixels), temporary)
            else:
                _image(pixels, picture.gray).save(
                    temporary, format=file_format, **_metadata(picture), **_save_options(file_format, picture, quality)
                )
    except ImageError:
        raise
    except Exception as error:  # so do encoders, on metadata they don't like
        raise ImageError(f"{path}: cannot be written ({str(error) or type(error).__name__}).") from error


def _save_options(file_format: str, picture: Picture, quality: int | None) -> dict[str, Any]:
    """libtiff, which Pillow compresses with, cannot write a camera's Exif and GPS blocks; Pillow alone can."""
    if file_format == "TIFF" and picture.exif:
        exif = Image.Exif()
        exif.load(picture.exif)
        if any(tag in exif for tag in _SUB_BLOCKS):
            return {}
    options = _SAVE_OPTIONS[file_format]
    return options if quality is None or "quality" not in options else {**options, "quality": quality}


def _read(path: Path, image: Image.Image) -> Picture:
    exif, orientation = _descriptive_exif(image)
    icc, (bits, gray) = image.info.get("icc_profile"), _bits_and_gray(path, image)
    if bits == 16:
        array = decode_deep(path, image)
    else:
        if image.mode in ("F", "I"):
            raise ImageError(f"{path.name}: 32 bits per channel are not supported. Save it with 8 or 16 bits.")
        if image.mode in ("CMYK", "LAB", "YCbCr"):
            image, icc = _to_srgb(image, icc), None  # the profile describes the ink, not the RGB that comes out
        has_alpha = "A" in image.getbands() or "transparency" in image.info
        array = np.asarray(image.convert("RGBA" if has_alpha else "RGB"), dtype=np.float32) / 255
    pixels = torch.from_numpy(np.ascontiguousarray(_upright(array, orientation).transpose(2, 0, 1)))
    return Picture(pixels, icc, exif, gray, bits)


def _descriptive_exif(image: Image.Image) -> tuple[bytes | None, int]:
    """EXIF about the photograph, with its orientation set to upright; and the orientation that the file had."""
    exif = image.getexif()
    orientation = exif.get(_ORIENTATION, 1)
    if _ORIENTATION in exif:
        exif[_ORIENTATION] = 1
    if image.format == "TIFF":  # in a block of its own: a BigTIFF's would keep a header that nobody else reads
        exif, source = Image.Exif(), exif
        for tag in (tag for tag in _ABOUT_THE_PHOTO if tag in source):
            exif[tag] = dict(source.get_ifd(tag)) if tag in _SUB_BLOCKS else source[tag]
    return (exif.tobytes() if len(exif) else None), orientation


def _bits_and_gray(path: Path, image: Image.Image) -> tuple[int, bool]:
    """Pillow reads RGB of 16 bits as of 8, gray with alpha as RGBA, and doesn't say so; the files' own headers do."""
    gray = image.mode in _GRAY_MODES
    if image.format == "PNG":
        with path.open("rb") as file:
            depth, colors = file.read(26)[24:]
        return (16 if depth == 16 else 8), gray or colors == _GRAY_AND_ALPHA
    if image.format == "TIFF":
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (8,))  # type: ignore[attr-defined]
        return (16 if max(bits if isinstance(bits, tuple) else (bits,)) == 16 else 8), gray
    return 8, gray


def _to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    if icc and image.mode == "CMYK":
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except ImageCms.PyCMSError:
            pass  # a broken profile: Pillow's plain conversion, as for a file without one
    return image.convert("RGB")


def _upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Undo EXIF orientations 1 … 8 (TIFF 6.0, tag 274)."""
    if orientation in (5, 6, 7, 8):
        array = array.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array


def _image(pixels: Tensor, gray: bool) -> Image.Image:
    image = as_image(pixels)
    return image.convert("LA" if len(pixels) == 4 else "L") if gray else image


def as_image(pixels: Tensor) -> Image.Image:
    """Convert [3 or 4, H, W] RGB or RGBA on the CPU to an 8-bit Pillow image; values are clamped to [0, 1] and rounded."""
    return Image.fromarray(_rounded(pixels, 8))


def _rounded(pixels: Tensor, bits: int) -> np.ndarray:
    """[C, H, W], clamped to [0, 1] here → [H, W, C] of unsigned whole numbers."""
    channels, height, width = pixels.shape
    array = np.empty((height, width, channels), np.uint8 if bits == 8 else np.uint16)
    planes, highest = pixels.detach().float().numpy(), np.float32((1 << bits) - 1)

    def strip(first: int) -> None:
        for begin in range(first, min(first + strip_rows, height), block_rows):
            rows = slice(begin, begin + block_rows)
            scaled = planes[:, rows] * highest
            np.rint(np.clip(scaled, 0, highest, out=scaled), out=scaled)
            for channel, numbers in enumerate(scaled.astype(array.dtype)):
                array[rows, :, channel] = numbers  # one after the other: half the time of all as one transposed copy

    block_rows = max(1, _BLOCK // max(1, channels * width))
    strip_rows = 8 * block_rows  # for a thread, which costs some tens of microseconds
    side_by_side(strip, range(0, height, strip_rows))
    return array


def _metadata(picture: Picture) -> dict[str, bytes]:
    found = {"icc_profile": picture.icc, "exif": picture.exif}
    return {name: value for name, value in found.items() if value}


def _exif_block(exif: bytes | None) -> bytes | None:
    return exif.removeprefix(_EXIF_PREFIX) if exif else None


def _numbers(picture: Picture, pixels: Tensor) -> np.ndarray:
    """What a PNG file holds: [H, W, 3 or 4] RGB or RGBA, or of a gray picture [H, W] or [H, W, 2]."""
    if picture.bits == 16:
        return _deep(picture, pixels)
    return np.asarray(_image(pixels, picture.gray)) if picture.gray else _rounded(pixels, 8)


def _deep(picture: Picture, pixels: Tensor) -> np.ndarray:
    """The same of 16 bits."""
    array = _rounded(pixels, 16)
    if not picture.gray:
        return array
    gray = array[:, :, :3].mean(2).round().astype(np.uint16)
    return np.stack((gray, array[:, :, 3]), 2) if array.shape[2] == 4 else gray


def _write_tiff16(picture: Picture, array: np.ndarray, path: Path) -> None:
    try:
        import tifffile
    except ImportError as error:
        raise ImageError(
            f"writing 16-bit TIFF files needs the Python package tifffile ({error}): pip install tifffile, or write a PNG"
        ) from error

    if array.ndim == 3 and array.shape[2] == 2:  # which Pillow, and so load_picture, does not read
        array = array[:, :, [0, 0, 0, 1]]
    exif = Image.Exif()
    exif.load(picture.exif or b"")
    text = [(tag, 2, len(str(exif[tag])) + 1, str(exif[tag]), True) for tag in _TEXT_TAGS if tag in exif]
    tifffile.imwrite(
        path,
        array,
        photometric="minisblack" if array.ndim == 2 else "rgb",
        extrasamples=["unassalpha"] if array.ndim == 3 and array.shape[2] == 4 else None,
        compression="zlib",
        iccprofile=picture.icc,
        description=exif.get(270),
        datetime=exif.get(306),
        resolution=(exif[282], exif[283]) if 282 in exif and 283 in exif else None,
        resolutionunit=exif.get(296),
        extratags=text,
        metadata=None,
    )

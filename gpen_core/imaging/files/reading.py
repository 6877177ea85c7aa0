"""Read image files: pixels, and all that the file knows beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...errors import ImageError
from ..spaces import InkSpace, Space, Unbounded
from .arrays import as_tensor, of_image, of_page, of_webp, upright, with_key
from .deep import GRAY, GRAY_AND_ALPHA, decode_deep_png
from .described import described
from .exif import about_the_picture, orientation_of, read_exif, resolution_of
from .formats import Parts, format_of, open_as
from .heif import cicp_of, exif_of, open_heif, pixels_of
from .ifd import Block, Reader, write_block
from .inks import MODES, decoded, image_of
from .jpeg_segments import read_jpeg
from .limits import MOST_MEGAPIXELS, check_size, make_room
from .picture import Known, Picture, Resolution
from .png_chunks import read_png
from .quiet import quiet
from .texts import comment_in, hidden_texts
from .tiff_layout import CIELAB, CMYK, layout_of
from .tiff_pages import about_page, is_for_pillow, page_of
from .tiff_pixels import read_pixels
from .webp_chunks import read_webp, size_of_webp
from .xmp import images_announced, without_what_is_behind


@dataclass(frozen=True)
class _File:
    """A file that is read."""

    name: str
    data: BinaryIO
    max_megapixels: float | None

    def allow(self, size: tuple[int, int]) -> None:
        check_size(self.name, size, self.max_megapixels)


@dataclass
class _Content:
    """What a file holds: ``array`` [H, W, 1 … 4] as stored, and the rest."""

    array: np.ndarray
    known: Known = field(default_factory=Known)
    icc: bytes | None = None
    exif: Block | None = None
    bits: int = 8
    of_tiff: bool = False
    is_upright: bool = False
    floating: bool = False
    inks: InkSpace | None = None
    notes: list[str] = field(default_factory=list)


def load_picture(path: str | Path, *, max_megapixels: float | None = MOST_MEGAPIXELS) -> Picture:
    """Read an image file: PNG, JPEG, WebP, TIFF, GIF, BMP, and HEIF where pillow-heif is installed. Depth and colors are kept.

    Args:
        path: The file.
        max_megapixels: Larger pictures are refused, before memory is taken; None for no limit but this machine's memory.

    Returns:
        The picture; YCbCr, and CMYK without a profile, are converted to sRGB.

    Raises:
        ImageError: The file cannot be read, or is too large.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ImageError(f"{path.name}: not a file.")
    try:
        with path.open("rb") as data, quiet() as said:
            file = _File(path.name, data, max_megapixels)
            try:
                picture = _picture(file, _READERS[format_of(path.name, data)](file))
            except OSError as error:
                raise ImageError(f"{path.name}: cannot be read ({_reason(error, said.last_line())}).") from error
        make_room(picture.numbers)
        return picture
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{path.name}: there isn't enough memory for it.") from error
    except Exception as error:  # damaged files make Pillow's readers raise almost anything
        raise ImageError(f"{path.name}: cannot be read ({_reason(error)}).") from error


def _reason(error: Exception, said: str = "") -> str:
    """In one line; what a decoder in C said, where the error itself is a mere number."""
    strerror = error.strerror if isinstance(error, OSError) else None
    text = strerror or str(error) or type(error).__name__
    return " ".join((said if said and text.lstrip("-").isdecimal() else text).split())[:200]


def _picture(file: _File, content: _Content) -> Picture:
    block, notes = content.exif or Block(), content.notes
    orientation = 1 if content.is_upright else orientation_of(block)
    block, lost = about_the_picture(block, of_tiff=content.of_tiff)
    block, known = hidden_texts(block, content.known)
    if known.xmp:
        packet, behind = without_what_is_behind(known.xmp)
        known, lost = replace(known, xmp=packet), [*lost, *behind]
    resolution = known.resolution or resolution_of(block)
    if orientation > 4 and resolution is not None:
        resolution = replace(resolution, x=resolution.y, y=resolution.x)
    known = replace(known, resolution=resolution)
    gray = content.array.shape[2] < 3
    if content.inks is None:
        found = described(content.icc, known, block, gray=gray)
        icc, known, space, more = found.icc, found.known, found.space, [*found.notes]
    else:
        icc, known, space, more = content.icc, replace(known, png_color={}), content.inks, []
    if space is None and content.floating and not 0 <= content.array.min() <= content.array.max() <= 1:
        space = Space(Unbounded())
    if space is not None and not space.leads_back:
        more = [*more, "its color profile knows no way back: it is converted to sRGB"]
    numbers = as_tensor(content.array if orientation == 1 else upright(content.array, orientation))
    exif = None if block.is_empty() else write_block(block)
    told = (*notes, *(f"{what} is left out" for what in lost), *more)
    picture = Picture(numbers, icc, exif, gray, content.bits, known, content.floating, space, told)
    return picture if space is None or space.leads_back else picture.in_srgb()


def _png(file: _File) -> _Content:
    found = read_png(file.data)
    with open_as("PNG", Parts(file.data, found.pixels)) as image:  # type: ignore[arg-type]
        file.allow(image.size)
        _only_one(file, image)
        if found.depth != 16:
            array = of_image(image)
            if found.colors in (GRAY, GRAY_AND_ALPHA) and array.shape[2] > 2:  # Pillow reads gray with alpha as RGBA
                array = np.ascontiguousarray(array[:, :, [0, 3]])
    if found.depth == 16:
        array = with_key(decode_deep_png(Parts(file.data, found.pixels), found.colors), found.key)  # type: ignore[arg-type]
    exif = read_exif(found.exif) if found.exif else None
    return _Content(array, found.known, found.icc, exif, 16 if found.depth == 16 else 8)


def _jpeg(file: _File) -> _Content:
    found = read_jpeg(file.data)
    content = _by_pillow("JPEG", file, found.known, found.icc, found.exif)
    content.notes += _left_out(found.others - images_announced(found.known.xmp))
    return content


def _webp(file: _File) -> _Content:
    found, size = read_webp(file.data), size_of_webp(file.data)
    if size is not None:
        file.allow(size)
    return _by_pillow("WEBP", file, found.known, found.icc, found.exif)


def _bmp(file: _File) -> _Content:
    with open_as("BMP", file.data) as image:
        x, y = image.info.get("dpi") or (0, 0)
    known = Known(resolution=Resolution(x, y) if x > 0 and y > 0 else None)
    return _by_pillow("BMP", file, known, None, None)


def _gif(file: _File) -> _Content:
    with open_as("GIF", file.data) as image:
        said, xmp, icc = (image.info.get(name) or b"" for name in ("comment", "xmp", "icc_profile"))
    known = Known(texts=comment_in(said), xmp=xmp or None)
    return _by_pillow("GIF", file, known, icc or None, None)


def _by_pillow(file_format: str, file: _File, known: Known, icc: bytes | None, exif: bytes | None) -> _Content:
    with open_as(file_format, file.data) as image:
        file.allow(image.size)
        _only_one(file, image)
        content = _Content(np.empty(0), known, icc, read_exif(exif) if exif else None)
        _decode(image, content)
        return content


def _decode(image, content: _Content) -> None:  # type: ignore[no-untyped-def]
    if image.mode in MODES:
        content.array, content.inks, notes = decoded(image, content.icc)
        content.notes += notes
        if content.inks is None:
            content.icc, content.known = None, replace(content.known, png_color={})
        return
    content.array = of_webp(image) if image.format == "WEBP" else of_image(image)


def _tiff(file: _File) -> _Content:
    reader = Reader(file.data)
    number, page, left_out = page_of(file.name, reader)
    layout_size, known, icc = about_page(page, reader.order)
    file.allow(layout_size)
    content = _Content(np.empty(0), known, icc, reader.block_of(page), of_tiff=True, notes=left_out)
    if is_for_pillow(page, reader):
        with open_as("TIFF", file.data) as image:
            image.seek(number)
            turned = orientation_of(content.exif or Block()) > 4
            image.getexif()[0x0112] = 1  # or it is turned upright
            _decode(image.copy() if turned else image, content)  # of the pixels' size, not of what it says it will be
        return content
    layout = layout_of(file.name, page, reader.order)
    array, notes = of_page(file.name, read_pixels(file.name, file.data, layout), layout)
    content.notes += notes
    content.floating = array.dtype.kind == "f"
    content.bits = min(layout.bits, 32) if content.floating else 8 * array.itemsize
    if layout.photometric not in (CMYK, CIELAB):
        content.array = array
        return content
    if content.floating:
        raise ImageError(f"{file.name}: floating-point CMYK and Lab are not supported. Save it as RGB.")
    content.bits = 8
    image, lost = image_of(array, layout.photometric)
    content.notes += lost
    _decode(image, content)
    return content


def _heif(file: _File) -> _Content:
    heif = open_heif(file.name, file.data)
    file.allow(heif.size)
    known = Known(xmp=heif.info.get("xmp") or None, png_color=cicp_of(heif))
    exif = exif_of(heif)
    array = pixels_of(heif)
    bits = 16 if array.dtype == np.uint16 else 8
    block = read_exif(exif) if exif else None
    notes = _left_out(len(heif) - 1)
    return _Content(array, known, heif.info.get("icc_profile") or None, block, bits, is_upright=True, notes=notes)


def _left_out(others: int) -> list[str]:
    return [f"the file's main image is taken; what else is in it ({others}) is left out"] if others > 0 else []


def _only_one(file: _File, image) -> None:  # type: ignore[no-untyped-def]
    if getattr(image, "n_frames", 1) > 1:
        raise ImageError(f"{file.name}: contains {image.n_frames} images. Split it into single files first.")


_READERS: dict[str, Callable[[_File], _Content]] = {
    "PNG": _png, "JPEG": _jpeg, "WEBP": _webp, "TIFF": _tiff, "GIF": _gif, "BMP": _bmp, "HEIF": _heif,
}  # fmt: skip

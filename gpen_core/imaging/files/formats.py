"""Which files are read and written. Pillow is asked for these formats only, each by its own reader."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any, BinaryIO

from PIL import Image

from ...errors import ImageError

FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".jpe": "JPEG",
    ".jfif": "JPEG",
}  # fmt: skip
WRITABLE = tuple(FORMATS)
IMAGE_EXTENSIONS = (*WRITABLE, ".apng", ".gif", ".bmp", ".dib", ".heic", ".heif", ".hif")
PROMISED = "PNG, JPEG, WebP, TIFF, GIF, BMP and HEIF"
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_HEAD = 64
_READERS = {
    "PNG": ("PngImagePlugin", "PngImageFile"),
    "JPEG": ("JpegImagePlugin", "JpegImageFile"),
    "WEBP": ("WebPImagePlugin", "WebPImageFile"),
    "BMP": ("BmpImagePlugin", "BmpImageFile"),
    "GIF": ("GifImagePlugin", "GifImageFile"),
}


def format_of(name: str, file: BinaryIO) -> str:
    """A file's format by its first bytes, whatever it is called: "PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP" or "HEIF".

    Args:
        name: Of the file, for the error.
        file: The file.

    Raises:
        ImageError: It is none of these.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head[:2] == b"BM":
        return "BMP"
    if (
        head[4:8] == b"ftyp"
        and b"avif" not in head
        and _HEIF_BRANDS & {head[8:12], *(head[i : i + 4] for i in range(16, 64, 4))}
    ):
        return "HEIF"
    if not head:
        raise ImageError(f"{name}: not an image file: it is empty.")
    raise ImageError(f"{name}: not an image file, or an unsupported format. Images are {PROMISED} files.")


def open_as(file_format: str, file: BinaryIO) -> Image.Image:
    """The file, opened by Pillow's reader of this format.

    The readers are called themselves: ``Image.open`` would refuse large scans by a limit that belongs to the whole process.
    """
    file.seek(0)
    if file_format == "TIFF":
        return _tiff_reader()(file)
    module, name = _READERS[file_format]
    opened: Image.Image = getattr(import_module(f"PIL.{module}"), name)(_Head(file) if file_format == "WEBP" else file)
    return opened


def _tiff_reader() -> Any:
    """Pillow's, without the check that belongs to the whole process: the size has been looked at."""
    from PIL.TiffImagePlugin import TiffImageFile

    class Reader(TiffImageFile):
        def load_prepare(self) -> None:
            if hasattr(self, "_tile_size") and self._im is None:
                self.im = Image.new(self.mode, self._tile_size).im
            super().load_prepare()

    return Reader


class _Head(io.RawIOBase):
    """A WebP file whose first answer is short: Pillow 13 looks there for the size, which it would refuse by the same limit.

    Args:
        file: The file, at its beginning.
    """

    _FIRST = 16  # bytes: what kind of file it is

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._file.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As of any file."""
        view = memoryview(buffer).cast("B")
        data = self._file.read(len(view) if self.tell() else min(self._FIRST, len(view)))
        view[: len(data)] = data
        return len(data)


class Parts(io.RawIOBase):
    """Parts of a file, one after the other, as a file.

    Args:
        file: The whole file.
        parts: First byte and length of each.
    """

    def __init__(self, file: BinaryIO, parts: tuple[tuple[int, int], ...]) -> None:
        self._file, self._parts, self._at = file, parts, 0
        self._length = sum(length for _, length in parts)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        self._at = max(0, offset + (0, self._at, self._length)[whence])
        return self._at

    def tell(self) -> int:
        """As of any file."""
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As of any file."""
        view, done, first = memoryview(buffer).cast("B"), 0, 0
        for begin, length in self._parts:
            if done < len(view) and first <= self._at < first + length:
                inside = self._at - first
                self._file.seek(begin + inside)
                data = self._file.read(min(length - inside, len(view) - done))
                view[done : done + len(data)] = data
                done += len(data)
                self._at += len(data)
                if not data:
                    break
            first += length
        return done

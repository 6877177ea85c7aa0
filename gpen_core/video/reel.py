"""Read an animation in a picture file, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageSequence
from torch import Tensor

from ..errors import ImageError
from ..imaging.files import MOST_MEGAPIXELS
from ..imaging.files.formats import format_of, open_as
from ..imaging.files.limits import check_size

FORMATS = {".gif": "GIF", ".apng": "PNG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_USUAL = 100  # milliseconds a frame, where the file does not say


class Reel:
    """An animation that is read once, from its first frame to its last, and what it tells on the way.

    Args:
        name: Of the file, for errors.
        picture: As it was opened.
        start: Frames that appear from here on are taken, in seconds.
        end: Frames that appear before this are taken; None: all to the last.

    Attributes:
        total: How many frames will be taken; 0 where that is not known before they are read.
        has_no_times: Whether its frames are pages, which nobody shows for a time of theirs.
        deep: Whether the file has 16 bits a color.
        icc: The profile of its colors, if it is one of RGB.
        durations: Of the frames that were taken, in milliseconds.
        plays: How often all of them are shown; 0: for ever.
    """

    def __init__(self, name: str, picture: Image.Image, start: float, end: float | None) -> None:
        is_part = bool(start) or end is not None
        if is_part and picture.format == "TIFF":
            raise ImageError(f"{name}: the pages of a TIFF file have no times. Leave out start and end.")
        check_size(name, picture.size, MOST_MEGAPIXELS)
        self._name, self._picture, self._start, self._end = name, picture, start, end
        self._size = picture.size
        self._alpha = "A" in picture.mode or "transparency" in picture.info
        self._skipped = int(bool(picture.info.get("default_image")))  # of a PNG: for programs that show no animations
        with _readable(name):
            self.total = 0 if is_part else getattr(picture, "n_frames", 1) - self._skipped
        self.has_no_times = picture.format == "TIFF"
        self.deep = ";16" in str(getattr(picture, "tile", ()))  # how the reader unpacks it
        self.icc = picture.info.get("icc_profile") if picture.mode in ("RGB", "RGBA", "P") else None
        self.durations: list[float] = []
        self.plays = 0

    def frames(self) -> Iterator[Tensor]:
        """[3 or 4, H, W] uint8 each: with alpha in all of them, or in none. Gray pages of 16 bits: [3, H, W] uint16."""
        shown, passed = ImageSequence.Iterator(self._picture), 0.0
        for number in count(1):
            with _readable(self._name):
                frame = next(shown, None)
                if frame is None:
                    break
                frame.load()  # only then some formats tell how long it is shown
                self._check(number, frame)
            if number <= self._skipped:
                continue
            begins, duration = passed / 1000, float(frame.info.get("duration") or _USUAL)
            passed += duration
            if self._end is not None and begins >= self._end:
                break
            if begins >= self._start:
                self.durations.append(duration)
                yield self._pixels(frame)
        self.plays = self._plays()

    def _plays(self) -> int:
        said = self._picture.info.get("loop")
        if self._picture.format != "GIF":
            return said or 0
        return 1 if said is None else said and said + 1  # which says how often they are shown again

    def _check(self, number: int, frame: Image.Image) -> None:
        if frame.size != self._size:
            here, first = (f"{width}×{height}" for width, height in (frame.size, self._size))
            raise ImageError(
                f"{self._name}: page {number} is {here} px, but the first one is {first}. The pages of a clip have one size."
            )
        if frame.mode in ("I", "F"):
            raise ImageError(f"{self._name}: its pages have 32 bits. Convert them to 8 or 16 bits.")

    def _pixels(self, frame: Image.Image) -> Tensor:
        if frame.mode.startswith("I;16"):
            return torch.from_numpy(np.asarray(frame).astype(np.uint16))[None].expand(3, -1, -1)
        array = np.asarray(frame.convert("RGBA" if self._alpha else "RGB"))
        return torch.from_numpy(array.copy()).movedim(-1, 0).contiguous()


@contextmanager
def _readable(name: str) -> Iterator[None]:
    """Damaged files make Pillow's readers raise almost anything: an ImageError that names the file."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"{name}: cannot be read ({error})") from error


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """By the readers of animations alone, whatever the file is called. Raises ImageError for any other file."""
    with path.open("rb") as file:
        kind = format_of(path.name, file)
        if kind not in FORMATS.values():
            raise ImageError(f"{path.name}: a file of this kind holds no animation")
        with _readable(path.name):
            picture = open_as(kind, file)
        with picture:
            yield picture

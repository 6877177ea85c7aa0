"""Images that go with each input: a mask of what is to be filled, a background that another program enlarged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..errors import ImageError, OptionError
from ..imaging.files import IMAGE_EXTENSIONS, MOST_MEGAPIXELS, load_picture
from ..imaging.luma import luma_of
from .checks import can_be_there


@dataclass(frozen=True)
class Companions:
    """Where they are: for each kind one file for all inputs, or a folder in which they have the inputs' names.

    Attributes:
        mask: White where something is to be filled.
        background: The same images, enlarged.
        max_megapixels: Larger ones are refused.
    """

    mask: Path | None = None
    background: Path | None = None
    max_megapixels: float = MOST_MEGAPIXELS

    def __post_init__(self) -> None:
        for name, place in (("--mask", self.mask), ("--background", self.background)):
            if place is not None and not (can_be_there(place) and place.exists()):
                raise OptionError(f"{name} {place}: no such file or folder")

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return self.mask is not None or self.background is not None

    def mask_of(self, source: Path) -> Tensor | None:
        """[1, 1, H, W] in [0, 1], of any size; None where no masks were given. Raises ImageError."""
        if self.mask is None:
            return None
        picture = load_picture(_found(self.mask, source, "mask"), max_megapixels=self.max_megapixels)
        pixels = picture.pixels
        mask = luma_of(pixels)
        return (mask if len(pixels) < 4 else mask * pixels[3:])[None].clamp(0, 1)

    def background_of(self, source: Path) -> Tensor | None:
        """[1, 3 or 4, H, W] in [0, 1], sRGB; None where no backgrounds were given. Raises ImageError."""
        if self.background is None:
            return None
        path = _found(self.background, source, "background")
        return load_picture(path, max_megapixels=self.max_megapixels).pixels[None]


def _found(place: Path, source: Path, what: str) -> Path:
    """The file of the source's name, with any ending; a GIF only where it is the only one: its 256 colors are a preview's."""
    if not place.is_dir():
        return place
    every = sorted(file for file in place.iterdir() if file.stem == source.stem and _is_picture(file))
    names = [file for file in every if file.suffix.lower() != ".gif"] or every
    same = [file for file in names if file.name == source.name]
    if len(names) != 1 and not same:
        several = f"several ({', '.join(file.name for file in names)})" if names else "none"
        raise ImageError(f"'{place}' must hold the {what} of {source.name} under its name, but there is {several}")
    return (same or names)[0]


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in IMAGE_EXTENSIONS and file.is_file()

"""What describes a file's colors: PNG's cICP, else the profile, else PNG's other chunks, else what EXIF says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..spaces import ProfileError, Space, space_of_png, space_of_profile
from ..spaces.described import adobe_rgb
from .exif import is_adobe_rgb
from .ifd import Block
from .picture import Known

_FIRST = b"cICP"


@dataclass(frozen=True)
class Described:
    """The colors of a file.

    Attributes:
        icc: Its profile, if it can be used.
        known: What else it knows, with the chunks of PNG that describe its colors, if those do.
        space: The colors; None: sRGB.
        notes: What cannot be used and is left out, in words.
    """

    icc: bytes | None
    known: Known
    space: Space | None
    notes: tuple[str, ...] = ()


def described(icc: bytes | None, known: Known, block: Block, *, gray: bool) -> Described:
    """What describes the colors of a file with this profile, chunks and EXIF; what is broken gives way to the next."""
    chunks, of_profile, notes = dict(known.png_color), None, []
    if icc:
        try:
            of_profile = space_of_profile(icc, gray=gray)
        except ProfileError as error:
            icc, notes = None, [f"its color profile cannot be used ({error}) and is left out"]
    without_first = {name: data for name, data in chunks.items() if name != _FIRST}
    for described_by in (chunks if _FIRST in chunks else {}, {} if icc else without_first):
        if not described_by:
            continue
        try:
            space = space_of_png(described_by, gray=gray)
            return Described(icc, replace(known, png_color=described_by), space, tuple(notes))
        except ProfileError as error:
            notes.append(f"its description of colors cannot be used ({error}) and is left out")
    known = replace(known, png_color={})
    if icc:
        return Described(icc, known, of_profile, tuple(notes))
    return Described(None, known, adobe_rgb() if is_adobe_rgb(block) else None, tuple(notes))

"""A picture and all that its file said about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..numbers import in_unit_range
from ..spaces import Space


@dataclass(frozen=True)
class Text:
    """A text under a keyword: another tool's prompt or workflow, a title, a comment.

    Attributes:
        keyword: What the text is: "parameters", "workflow", "Comment", …
        value: The text.
        language: RFC 3066's name of it, such as "de"; mostly "".
        translated: The keyword in that language.
    """

    keyword: str
    value: str
    language: str = ""
    translated: str = ""


@dataclass(frozen=True)
class Resolution:
    """How many pixels lie on an inch, in each direction; or, without a unit, the ratio of the two.

    Attributes:
        x: Pixels across.
        y: Pixels down.
        per_inch: False for a mere ratio.
    """

    x: float
    y: float
    per_inch: bool = True


@dataclass(frozen=True)
class Known:
    """What a file knew beside its pixels, its color profile and EXIF.

    Attributes:
        texts: Of a PNG file, JPEG's comment, prompts and workflows of other tools.
        xmp: An XMP packet.
        iptc: IPTC-IIM records.
        resolution: Where the file has one.
        changed: When the picture was last changed, as PNG's tIME has it.
        png_color: The chunks by which a PNG file describes its colors without a profile, by their names.
    """

    texts: tuple[Text, ...] = ()
    xmp: bytes | None = None
    iptc: bytes | None = None
    resolution: Resolution | None = None
    changed: bytes | None = None
    png_color: dict[bytes, bytes] = field(default_factory=dict)


@dataclass
class Metadata:
    """All that a JPEG or WebP file says beside its pixels.

    Attributes:
        icc: Color profile.
        exif: A block without prefix.
        known: The rest.
        others: How many further images lie behind this one, as phones and stereo cameras put them there.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    known: Known = field(default_factory=Known)
    others: int = 0


@dataclass(frozen=True, eq=False)
class Picture:
    """An image and what its file said about it.

    Attributes:
        numbers: [3, H, W] RGB or [4, H, W] RGBA, upright, in the file's colors: uint8 or uint16 as the file has them, or
            float32 in [0, 1]. Of an ``InkSpace``, what that says.
        icc: Color profile.
        exif: EXIF data, a TIFF block, with the orientation reset.
        gray: Whether the file is grayscale.
        bits: 8, 16 or 32 per channel.
        known: What else the file knew.
        floating: Whether the file's numbers are floating point.
        space: The file's colors, where they are not sRGB's.
        notes: What of the file is left out, in words.
    """

    numbers: Tensor
    icc: bytes | None = None
    exif: bytes | None = None
    gray: bool = False
    bits: int = 8
    known: Known = Known()
    floating: bool = False
    space: Space | None = None
    notes: tuple[str, ...] = ()

    @property
    def inks(self) -> str | None:
        """What the numbers are where they are no RGB: "CMYK" or "LAB"."""
        return None if self.space is None or self.space.mode == "RGB" else self.space.mode

    @property
    def has_alpha(self) -> bool:
        """Whether the fourth number of a pixel is its opacity."""
        return len(self.numbers) == 4 and self.inks is None

    @property
    def pixels(self) -> Tensor:
        """[3 or 4, H, W] RGB or RGBA as a network should see them: sRGB, float32 in [0, 1]."""
        return in_unit_range(self.seen())

    def seen(self) -> Tensor:
        """The same, [3 or 4, H, W], as ``numbers`` where the file's colors are sRGB's, else of 16 bits."""
        return self.numbers if self.space is None else self.space.seen(self.numbers)

    def restored(self, frame: Tensor, replaced: Tensor) -> Picture:
        """The picture with other pixels, and all else that its file knew.

        Args:
            frame: [C, H', W'], what became of ``seen()``, of the same kind or as floating point.
            replaced: [1, H', W'] in [0, 1], how much of each pixel is new. Colors that sRGB does not have stay elsewhere.
        """
        if self.space is not None:
            frame = self.space.back(frame, self.numbers, replaced)
        return replace(self, numbers=frame)

    def in_srgb(self) -> Picture:
        """The same, without a profile."""
        known = replace(self.known, png_color={})
        return replace(self, numbers=self.seen(), icc=None, space=None, known=known)


def uint16() -> torch.dtype:
    """The type of 16-bit numbers; floating point where torch has none, before 2.3."""
    return getattr(torch, "uint16", torch.float32)

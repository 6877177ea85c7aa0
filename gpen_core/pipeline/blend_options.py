"""How restored faces are put into the picture: apart from the other settings, since widgets show these values."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

from ..errors import OptionError, check_numbers, check_texts, one_line
from ..imaging.color_methods import COLOR_METHODS
from ..modes import AUTO

if TYPE_CHECKING:
    from ..faces.regions import RegionOptions

LARGEST_SCALE = 16.0


@dataclass(frozen=True)
class BlendOptions:
    """How restored faces go back into the picture. Raises OptionError for values outside their range.

    Attributes:
        scale: Size of the result relative to the picture, above 0 and up to 16; "auto" is the factor at which the largest
            face keeps every pixel the model made, as far as ``max_megapixels`` allows.
        strength: 0 = original, 1 = fully restored.
        softness: Width of the mask's edge as a fraction of its radius, in (0, 1].
        color: How colors follow the original's: "off", "mean", "mean_std", "luminance" or "wavelet" (see ``match_color``). Not
            used with models that colorize.
        max_megapixels: Limit of the result's size at scale "auto".
        grain: How much of the picture's grain is put back on what was smoothed: 0 = none, 1 = as much as the picture has.
        grain_seed: The same seed gives the same grain.
        regions: How much of each region of the face is restored; None: of the whole face.
        whole_crop: Replace the whole aligned crop, with hair and background, and not only the face. Its edges are soft, unless
            the crop is the whole picture.
    """

    scale: float | str = 1.0
    strength: float = 1.0
    softness: float = 0.35
    color: str = "mean"
    max_megapixels: float = 33.2  # 7680 × 4320
    grain: float = 0.0
    grain_seed: int = 0
    regions: RegionOptions | None = None
    whole_crop: bool = False

    def __post_init__(self) -> None:
        check_numbers(self, "strength", "softness", "max_megapixels", "grain", "grain_seed")
        check_texts(self, "color")
        is_auto = isinstance(self.scale, str) and self.scale == AUTO
        if not is_auto and not (isinstance(self.scale, Real) and 0 < self.scale <= LARGEST_SCALE):
            given = one_line(repr(self.scale), 40)
            raise OptionError(f"scale must be 'auto' or above 0 and at most {LARGEST_SCALE:g}, not {given}")
        if not 0 <= self.strength <= 1:
            raise OptionError(f"strength must be from 0 to 1, not {self.strength}")
        if not 0 < self.softness <= 1:
            raise OptionError(f"softness must be above 0 and at most 1, not {self.softness}")
        if self.color not in COLOR_METHODS:
            raise OptionError(f"unknown color matching '{self.color}'. Known: {', '.join(COLOR_METHODS)}.")
        if self.whole_crop and self.regions is not None:
            raise OptionError("whole_crop replaces all of a face's crop, regions a part of it: choose one of them")
        if not self.max_megapixels > 0:
            raise OptionError(f"max_megapixels must be above 0, not {self.max_megapixels}")
        if not 0 <= self.grain <= 1:
            raise OptionError(f"grain must be from 0 to 1, not {self.grain}")

"""Which degradations there are, and how strong."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from types import MappingProxyType

from ...errors import OptionError

KERNELS = (
    "bilinear",
    "area",
    "bicubic",
    "lanczos",
)  # of resampling; all but bilinear are prefiltered where they shrink
REFERENCE_SIZE = 512  # kernel sizes and sigmas are given in pixels of a 512 px crop, and scale with the crop


@dataclass(frozen=True)
class Range:
    """Both ends are reached. ``Range(0, 0)`` turns a degradation of additive strength off."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise OptionError(f"a range runs from low to high, not from {self.low} to {self.high}")

    def at(self, fraction: float) -> float:
        return self.low + (self.high - self.low) * fraction


@dataclass(frozen=True)
class DegradationRecipe:
    """Ranges that each sample's degradation is drawn from, uniformly; the order is that of the fields.

    ``blur_*`` are relative weights of the kinds of blur, ``blur_probability`` how often there is any. ``blur_kernel``
    (side of the kernel) and ``blur_sigma`` are pixels of a 512 px crop, as is ``motion_length``. ``downsample`` is the
    factor between the crop and what is left of it, values below 1 enlarge; whatever the crop's size, or, where
    ``downsample_size`` is not 0, for a crop of that size, smaller for smaller crops. ``noise_sigma`` is in 1/255,
    ``jpeg_quality`` 1 … 100. A face loses its colors with ``gray_probability``, ``gray_target`` says whether the face
    to be restored loses them too, and it is mirrored with ``flip_probability``.

    What else a picture may meet, off by default: ``downsample_probability``, ``noise_probability`` and
    ``jpeg_probability`` are how often there is any; ``webp_probability`` how often a picture that is compressed is so as
    WebP, at the same quality; ``kernels`` (of ``KERNELS``) what it is shrunk and enlarged with, each drawn by itself.
    Film grain, with ``grain_probability``, has a standard deviation of ``grain_sigma`` (1/255, where the picture is of
    middle brightness) and grains of ``grain_size`` (σ in pixels of a 512 px crop), and is there before the picture
    shrinks. With ``again_probability`` everything happens again, with new values, as to a picture that was shared twice.
    """

    blur_isotropic: float = 0.5
    blur_anisotropic: float = 0.5
    blur_motion: float = 0.0
    blur_probability: float = 1.0
    blur_kernel: int = 41
    blur_sigma: Range = Range(0.1, 10.0)
    motion_length: Range = Range(3.0, 41.0)
    downsample: Range = Range(0.8, 8.0)
    downsample_size: int = 0
    noise_sigma: Range = Range(0.0, 20.0)
    jpeg_quality: Range = Range(60, 100)
    gray_probability: float = 0.2
    gray_target: bool = True
    flip_probability: float = 0.5
    downsample_probability: float = 1.0
    noise_probability: float = 1.0
    jpeg_probability: float = 1.0
    webp_probability: float = 0.0
    kernels: tuple[str, ...] = ("bilinear",)
    grain_probability: float = 0.0
    grain_sigma: Range = Range(5.0, 25.0)
    grain_size: Range = Range(0.5, 2.0)
    again_probability: float = 0.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self) if field.name.endswith("_probability")):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} is a probability, 0 … 1, not {getattr(self, name)}")
        if min(self.blur_kinds) < 0 or sum(self.blur_kinds) <= 0:
            raise OptionError("blur_isotropic, blur_anisotropic and blur_motion are weights: none negative, not all 0")
        if self.blur_kernel < 1 or self.blur_kernel % 2 == 0:
            raise OptionError(f"blur_kernel is the odd side of a kernel, not {self.blur_kernel}")
        if self.blur_sigma.low <= 0 or self.motion_length.low < 1 or self.downsample.low <= 0:
            raise OptionError("blur_sigma and downsample are above 0 and motion_length is at least 1")
        if self.downsample_size < 0:
            raise OptionError(f"downsample_size is a side in pixels, or 0, not {self.downsample_size}")
        if self.noise_sigma.low < 0 or not 1 <= self.jpeg_quality.low <= self.jpeg_quality.high <= 100:
            raise OptionError("noise_sigma is at least 0 and jpeg_quality between 1 and 100")
        if self.grain_sigma.low < 0 or self.grain_size.low <= 0:
            raise OptionError("grain_sigma is at least 0 and grain_size above 0")
        unknown = [kernel for kernel in self.kernels if kernel not in KERNELS]
        if unknown or not self.kernels:
            raise OptionError(f"kernels are one or more of {', '.join(KERNELS)}, not {list(self.kernels)}")

    @property
    def blur_kinds(self) -> tuple[float, float, float]:
        return self.blur_isotropic, self.blur_anisotropic, self.blur_motion


@dataclass(frozen=True)
class Degradation:
    """One sample's degradation, drawn from a recipe. Lengths are pixels of a 512 px crop; None leaves a stage out."""

    blur: str | None = None  # "gaussian" or "motion"
    sigma: tuple[float, float] = (0.0, 0.0)
    length: float = 0.0
    angle: float = 0.0  # radians
    kernel: int = 41
    downsample: float | None = None
    downsample_size: int = 0
    noise_sigma: float = 0.0  # of 1/255
    jpeg_quality: int | None = None
    gray: bool = False
    gray_target: bool = True
    flip: bool = False
    webp: bool = False  # in place of JPEG, at its quality
    shrinking: str = "bilinear"  # kernels
    enlarging: str = "bilinear"
    grain_sigma: float = 0.0  # of 1/255
    grain_size: float = 0.0
    again: Degradation | None = None  # what happens afterwards; its colors and mirroring count for nothing


@dataclass(frozen=True)
class Weighted:
    """A recipe that, of several, is drawn as often as its weight says."""

    weight: float
    degradation: DegradationRecipe

    def __post_init__(self) -> None:
        if not 0 < self.weight < float("inf"):
            raise OptionError(f"the weight of a recipe is above 0, not {self.weight}")


_UNTOUCHED = DegradationRecipe(
    blur_probability=0.0,
    downsample_probability=0.0,
    noise_probability=0.0,
    jpeg_probability=0.0,
    gray_probability=0.0,
)

RECIPES = MappingProxyType(
    {
        # GPEN's released training configuration.
        "released": DegradationRecipe(),
        # The paper, §4.1: blur by a Gaussian or motion kernel, downsampling, noise, JPEG. Its ranges are known to us
        # second-hand, and "10 … 200" for the downsampling without a unit: taken as factors, which leaves 102 … 5 px of
        # the paper's 1024 px faces.
        "paper": DegradationRecipe(
            blur_isotropic=1.0,
            blur_anisotropic=0.0,
            blur_motion=1.0,
            downsample=Range(10.0, 200.0),
            downsample_size=1024,
            noise_sigma=Range(0.0, 25.0),
            jpeg_quality=Range(5, 50),
            gray_probability=0.0,
        ),
        # The mildest third of the released ranges.
        "light": DegradationRecipe(
            blur_sigma=Range(0.1, 3.4),
            downsample=Range(0.8, 3.2),
            noise_sigma=Range(0.0, 20 / 3),
            jpeg_quality=Range(87, 100),
        ),
        # Nothing at all: what a network should leave as it is.
        "none": _UNTOUCHED,
        # A sharp picture at half its size, bicubic both ways.
        "half": replace(_UNTOUCHED, downsample_probability=1.0, downsample=Range(2.0, 2.0), kernels=("bicubic",)),
        # Small sharp pictures, of any kernel and now and then compressed.
        "resampled": replace(
            _UNTOUCHED,
            downsample_probability=1.0,
            downsample=Range(1.2, 4.0),
            jpeg_probability=0.3,
            jpeg_quality=Range(75, 100),
            webp_probability=0.3,
            kernels=KERNELS,
        ),
        # Pictures of the web and of albums: blurred, shrunk and compressed by nobody knows whom, often twice.
        "web": DegradationRecipe(
            blur_isotropic=0.5,
            blur_anisotropic=0.3,
            blur_motion=0.2,
            blur_probability=0.6,
            blur_sigma=Range(0.1, 7.0),
            motion_length=Range(3.0, 21.0),
            downsample=Range(1.0, 6.0),
            downsample_probability=0.8,
            noise_sigma=Range(0.0, 18.0),
            noise_probability=0.6,
            jpeg_quality=Range(30, 98),
            jpeg_probability=0.9,
            webp_probability=0.25,
            kernels=KERNELS,
            grain_probability=0.15,
            again_probability=0.5,
        ),
    }
)

"""How hard the faces are degraded: a recipe's own draw, named thirds of it, and one degradation at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ...errors import OptionError
from ..degradation import Degradation, DegradationRecipe, Range, draw

RECIPE = "recipe"
_THIRDS = MappingProxyType({"light": 0, "medium": 1, "heavy": 2})
SEVERITIES = (RECIPE, *_THIRDS)

DegradationOf = Callable[[np.random.Generator], Degradation]


def severity(recipe: DegradationRecipe, name: str) -> DegradationOf:
    """``recipe`` draws from the whole of its ranges; ``light``, ``medium`` and ``heavy`` from a third of each, the mildest
    first, and never take the colors away, which is no matter of degree. Raises OptionError for another name."""
    if name not in SEVERITIES:
        raise OptionError(f"no severity is called '{name}'. Known: {', '.join(SEVERITIES)}.")
    recipe = unmirrored(recipe)
    if name != RECIPE:
        third = _THIRDS[name]
        recipe = replace(
            recipe,
            blur_sigma=_third(recipe.blur_sigma, third),
            motion_length=_third(recipe.motion_length, third),
            downsample=_third(recipe.downsample, third),
            noise_sigma=_third(recipe.noise_sigma, third),
            jpeg_quality=_third(recipe.jpeg_quality, 2 - third),  # the higher, the milder
            gray_probability=0.0,
        )
    return lambda random: draw(recipe, random)


def unmirrored(recipe: DegradationRecipe) -> DegradationRecipe:
    """Mirroring makes more training pictures of a few; here it would only be confusing to look at."""
    return replace(recipe, flip_probability=0.0)


def random_of(seed: int, name: str) -> np.random.Generator:
    """A sample's own randomness: the same whichever other faces there are, and at every severity."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest[:16], dtype=np.uint32).tolist()])


@dataclass(frozen=True)
class Sweep:
    """One degradation from nothing to beyond the released recipe's range, all others off."""

    name: str
    label: str
    unit: str
    values: tuple[float, ...]
    of: Callable[[float], Degradation]

    def at(self, value: float) -> DegradationOf:
        degradation = self.of(value)
        return lambda random: degradation


SWEEPS = MappingProxyType(
    {
        sweep.name: sweep
        for sweep in (
            Sweep("blur", "Gaussian blur", "σ in pixels of a 512 px crop", (1, 2, 4, 6, 8, 10, 14),
                  lambda sigma: Degradation(blur="gaussian", sigma=(sigma, sigma), kernel=97)),
            Sweep("downsample", "Downsampling", "factor", (1.5, 2, 3, 4, 6, 8, 12, 16),
                  lambda factor: Degradation(downsample=factor)),
            Sweep("noise", "Gaussian noise", "σ in 1/255", (2, 5, 10, 15, 20, 30, 50),
                  lambda sigma: Degradation(noise_sigma=sigma)),
            Sweep("jpeg", "JPEG", "quality", (95, 85, 75, 60, 45, 30, 20, 10, 5),
                  lambda quality: Degradation(jpeg_quality=int(quality))),
        )
    }
)  # fmt: skip


def sweep_named(name: str) -> Sweep:
    """Raises OptionError for an unknown name."""
    if name not in SWEEPS:
        raise OptionError(f"no sweep is called '{name}'. Known: {', '.join(SWEEPS)}.")
    return SWEEPS[name]


def _third(whole: Range, third: int) -> Range:
    return Range(whole.at(third / 3), whole.at((third + 1) / 3))

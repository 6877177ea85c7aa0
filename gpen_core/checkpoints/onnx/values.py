"""What a value of a graph is, in a GPEN network's terms: maps that layers made, scaled and shifted, and filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Union

import torch
from torch import Tensor

Factor = float | Tensor  # one for all channels, or [C]


class NotReadable(Exception):
    """Why a graph's weights cannot be read back, in a few words."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What goes in."""


@dataclass(frozen=True, eq=False)
class Conv:
    """A convolution: ``weight`` [O, I, k, k] as it is applied, but for the style and the demodulation."""

    weight: Tensor
    source: Map | Tensor
    style: Map | None
    stride: int
    up: bool


@dataclass(frozen=True, eq=False)
class Linear:
    """``weight`` [out, in] as it is applied."""

    weight: Tensor
    source: Map


@dataclass(frozen=True, eq=False)
class Fir:
    """The binomial filter, of gain 1 where nothing is enlarged and 4 where zeros were put between pixels."""

    source: Map


@dataclass(frozen=True, eq=False)
class Norm:
    """A vector divided by a number of its own."""

    source: Map


@dataclass(frozen=True, eq=False)
class Activation:
    """A leaky ReLU of what is joined."""

    source: Map


@dataclass(frozen=True, eq=False)
class Sum:
    """Two maps added."""

    first: Map
    second: Map


@dataclass(frozen=True, eq=False)
class Start:
    """The constant that the generator begins with."""

    value: Tensor


Origin = Picture | Conv | Linear | Fir | Norm | Activation | Sum | Start


@dataclass(frozen=True, eq=False)
class Part:
    """``channels`` of a map: origin · scale + shift, and ``by`` the style that scales its channels."""

    origin: Origin
    channels: int
    scale: Factor = 1.0
    shift: Factor = 0.0
    by: Map | None = None


@dataclass(frozen=True, eq=False)
class Map:
    """Parts, one after the other on the channel axis. Vectors [N, D] are maps of D channels."""

    parts: tuple[Part, ...]

    @property
    def channels(self) -> int:
        """Of all parts."""
        return sum(part.channels for part in self.parts)

    @property
    def only(self) -> Part:
        """Its one part. Raises NotReadable where it has several."""
        if len(self.parts) != 1:
            raise NotReadable("maps are joined where no GPEN network joins any")
        return self.parts[0]

    def times(self, factor: Factor) -> Map:
        """Scaled by a number, or by [C]."""
        return Map(
            tuple(
                replace(part, scale=part.scale * piece, shift=part.shift * piece)
                for part, piece in zip(self.parts, self._pieces(factor), strict=True)
            )
        )

    def plus(self, shift: Factor) -> Map:
        """Shifted by a number, or by [C]."""
        return Map(
            tuple(
                replace(part, shift=part.shift + piece)
                for part, piece in zip(self.parts, self._pieces(shift), strict=True)
            )
        )

    def _pieces(self, factor: Factor) -> list[Factor]:
        if not isinstance(factor, Tensor):
            return [factor] * len(self.parts)
        return list(factor.split([part.channels for part in self.parts]))


@dataclass(frozen=True, eq=False)
class Filters:
    """Filters of one sample: ``weight`` [1, O, I, k, k] times the style, and demodulated or not yet."""

    weight: Tensor
    style: Map


@dataclass(frozen=True, eq=False)
class Energy:
    """What norms are computed from, and the norms; ``gain`` times one of them is what demodulates."""

    gain: float = 1.0


Value = Union[Tensor, Map, Filters, Energy]  # noqa: UP007 - Tensor | Map would ask the class itself


def origin_part(origin: Origin, channels: int) -> Map:
    """A map as its origin makes it."""
    return Map((Part(origin, channels),))


def per_channel(factor: Factor, channels: int) -> Tensor:
    """[C] of either."""
    return factor if isinstance(factor, Tensor) else torch.full((channels,), float(factor))

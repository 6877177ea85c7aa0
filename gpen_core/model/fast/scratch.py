"""Memory in which one call's large maps take turns."""

from __future__ import annotations

from collections.abc import Hashable

from torch import Tensor

Shape = tuple[int, ...]  # N, C, H, W

_SPARE = 8  # this part of a map is added, since blocks differ by a few rows; pages never written to take no memory


class Scratch:
    """Room for a map by its place in the network: the same for each of its blocks, and for each sample.

    The system clears every page before a process gets it, and where a process leaves its heap as it is, as hosts do, a
    large map's pages go back as soon as it is freed. Belongs to one call, and is freed with it.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Tensor] = {}

    def map(self, place: Hashable, like: Tensor, shape: Shape) -> Tensor:
        """[N, C, H, W], uninitialised and channels last, precision and device of ``like``. What was at ``place`` is gone."""
        samples, channels, height, width = shape
        elements = samples * channels * height * width
        if place not in self._kept or self._kept[place].numel() < elements:
            self._kept.pop(place, None)  # first, lest both be held
            self._kept[place] = like.new_empty(elements + elements // _SPARE)
        return self._kept[place][:elements].view(samples, height, width, channels).permute(0, 3, 1, 2)

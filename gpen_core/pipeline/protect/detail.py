"""Never less detail than before: what is finer than the model can show stays the picture's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from torch import Tensor

from ...geometry import compose, crop_affine, invert_affine, mapped_box, resize_affine, scale_of, size_of
from ...imaging.detail import detail_share
from ...imaging.numbers import in_unit_range
from ...imaging.warp import MINIFIES, Rect, warp
from ...types import RestoredFace
from ...weights.catalog import published_of

_MUCH_LARGER = 0.6  # scale below which a larger model would show plainly more
_MATTERS = 0.3  # strength below which it hardly matters what the model can show


@dataclass
class KeepDetail:
    """Finds, for a face that is larger in its picture than the model makes it, where the picture has detail beyond that.

    ``say`` hears once a run that a larger model would do better.
    """

    say: Callable[[str], None]
    _said: bool = field(default=False, init=False)

    def protect(self, face: RestoredFace, frame: Tensor) -> RestoredFace:
        """As ``Protection``."""
        size = face.pixels.shape[-1]
        frame_to_face = _frame_to_face(face, size_of(frame))
        scale = scale_of(frame_to_face)
        if scale >= MINIFIES or face.strength == 0:
            return face
        left, top, right, bottom = _shown(frame_to_face, size, size_of(frame))
        share = detail_share(in_unit_range(frame[:3, top:bottom, left:right]), scale)
        part_to_face = compose(crop_affine(-left, -top), frame_to_face)
        kept = replace(face, detail=warp(share, part_to_face, (size, size)).to(face.pixels))
        return kept if scale > _MUCH_LARGER or face.strength < _MATTERS else self._advised(kept, size / scale)

    def _advised(self, face: RestoredFace, needed: float) -> RestoredFace:
        better = _model_of(needed, face.facts.model_size)
        if better is None:
            return face
        note = f"This face is larger than the {face.pixels.shape[-1]} px of the model: {better} would restore finer detail."
        if not self._said:
            self._said = True
            self.say(note)
        return face.noted(note)


def _frame_to_face(face: RestoredFace, frame_size: tuple[int, int]) -> Tensor:
    seen, size = face.crop.pixels.shape[-1], face.pixels.shape[-1]
    to_crop = compose(resize_affine(frame_size, face.crop.face.image_size), face.crop.image_to_crop)
    return compose(to_crop, resize_affine((seen, seen), (size, size)))


def _shown(frame_to_face: Tensor, size: int, frame_size: tuple[int, int]) -> Rect:
    """The part of the frame that the crop shows."""
    x0, y0, x1, y1 = mapped_box(invert_affine(frame_to_face), (size, size))
    height, width = frame_size
    left, top = min(max(math.floor(x0), 0), width - 1), min(max(math.floor(y0), 0), height - 1)
    return left, top, max(min(math.ceil(x1) + 1, width), left + 1), max(min(math.ceil(y1) + 1, height), top + 1)


def _model_of(needed: float, has: int) -> str | None:
    """The published model that shows a face of this side, or most of it; None where there is no larger one."""
    larger = [file for file in published_of("gpen") if file.task == "restoration" and (file.size or 0) > has]
    return next(
        (file.name for file in larger if (file.size or 0) >= 0.75 * needed), larger[-1].name if larger else None
    )

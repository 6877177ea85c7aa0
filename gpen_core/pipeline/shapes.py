"""Which part of a restored face may be replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..faces.parsing import FaceParser
from ..faces.regions import RegionOptions, face_mask_of
from ..imaging.masks import border_fade, ellipse_mask, mask_box, region_mask
from ..imaging.warp import Rect
from ..types import RestoredFace
from .blend_options import BlendOptions
from .hooks import Hooks, with_memory

_PARSING = "drawing the outline of a face"  # what a parser does, in messages


@dataclass(frozen=True, eq=False)
class Shape:
    """The part of a face that may be replaced: ``mask`` [1, S', S'] in [0, 1], and where it is above 0, if anywhere."""

    mask: Tensor
    box: Rect | None

    @classmethod
    def of(cls, mask: Tensor) -> Shape:
        """The shape of a mask."""
        return cls(mask, mask_box(mask))


def shapes_of(
    faces: Sequence[RestoredFace], options: BlendOptions, parser: FaceParser | None, hooks: Hooks
) -> Iterator[Shape]:
    """One for each face, in turn: an oval, what a parser sees, or the regions that were asked for."""
    if options.whole_crop or any(face.crop.fill is not None for face in faces):  # a mask says what is replaced
        yield from (Shape.of(border_fade(face.pixels.shape[-1])) for face in faces)
        return
    if options.regions is not None:
        yield from _shapes_of_regions(faces, options, options.regions, parser, hooks)
        return
    if parser is not None:
        pixels = torch.stack([face.pixels for face in faces])
        regions = with_memory(partial(parser.regions, pixels), hooks, _PARSING)
        yield from (Shape.of(region_mask(region, options.softness)) for region in regions)
        return
    ovals: dict[tuple[int, str], Shape] = {}  # as a rule there is one, for all faces
    for face in faces:
        kind = (face.pixels.shape[-1], face.crop.template)
        if kind not in ovals:
            ovals[kind] = Shape.of(ellipse_mask(*kind, options.softness))
        yield ovals[kind]


def _shapes_of_regions(
    faces: Sequence[RestoredFace],
    options: BlendOptions,
    regions: RegionOptions,
    parser: FaceParser | None,
    hooks: Hooks,
) -> Iterator[Shape]:
    """As the restored faces are parsed: what a model made is sharper than what it was given."""
    for face in faces:
        parts = None
        if parser is not None:
            parts = with_memory(partial(parser.parts, face.pixels[None]), hooks, _PARSING)[0]
        yield Shape.of(face_mask_of(face.crop, face.pixels.shape[-1], regions, options.softness, parts))

"""The regions of a face by name, each with its own strength, and the mask that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import OptionError, check_numbers, check_texts, one_line
from ..geometry import apply_affine, compose, resize_affine, same_shape, size_of
from ..imaging.blur import gaussian_blur
from ..imaging.masks import border_fade, ellipse_mask, region_mask
from ..imaging.morphology import dilated, eroded
from ..imaging.warp import warp
from ..types import FaceCrop
from .mesh import FaceMesh, mesh_of, shapes_from_mesh
from .parts import MASK_MODES, REGIONS, parts_from_landmarks

REST = "rest"  # in texts: all regions that are not named

# A hat is no face: restoring it gains nothing, and shows at its edge.
DEFAULTS = MappingProxyType({region: 0.0 if region == "hat" else 1.0 for region in REGIONS})
_FEATHER = 1 / 32  # of the crop's side, where nobody says otherwise
_SIDE = 512  # pixels: on a larger crop, regions are no finer
_BEYOND = 12  # pixels around the face that take the strength of what is next to them
_RISE = 2.56  # standard deviations in which a Gaussian edge rises from 10 to 90 %


@dataclass(frozen=True, eq=False)
class RegionOptions:
    """How much of each region is restored. Raises OptionError for what is unknown or out of range.

    Attributes:
        strengths: Region → strength in [0, 1]; a name that comes later counts where two overlap.
        rest: Strength of the regions that are not named; None: 1, and 0 for hats.
        grow: By how much the named regions (all of them, where none is named) are made larger, in pixels of the restored
            crop; below 0 they are made smaller.
        feather: Width in which strength changes between regions, in pixels of the restored crop; None: 1/32 of its side.
        mask: [B or 1, 1, H, W] in [0, 1], drawn on the frames, of any size of the same shape; None for none.
        mask_mode: What the mask does: "intersect" restores only what it shows, too; "unite" restores what it shows in any
            case; "subtract" leaves out what it shows.
        meshes: From ``mesh.read_meshes``. Where there is no parser, and one of these lies on the face, regions have its
            outlines.
    """

    strengths: Mapping[str, float] = field(default_factory=dict)
    rest: float | None = None
    grow: float = 0.0
    feather: float | None = None
    mask: Tensor | None = None
    mask_mode: str = "intersect"
    meshes: tuple[FaceMesh, ...] = ()

    def __post_init__(self) -> None:
        check_numbers(self, "rest", "grow", "feather")
        check_texts(self, "mask_mode")
        if not isinstance(self.strengths, Mapping):
            raise OptionError(f"strengths must be a mapping of regions, not {one_line(repr(self.strengths), 40)}")
        if not isinstance(self.meshes, list | tuple) or not all(isinstance(mesh, FaceMesh) for mesh in self.meshes):
            raise OptionError(f"meshes must come from read_meshes, not {one_line(repr(self.meshes), 40)}")
        if self.mask is not None and (not isinstance(self.mask, Tensor) or self.mask.dim() != 4):
            raise OptionError(f"a mask must be a tensor [B, 1, H, W] in [0, 1], not a {type(self.mask).__name__}")
        for region, strength in self.strengths.items():
            if region not in REGIONS:
                raise OptionError(f"no region of a face is called '{region}'. Known: {', '.join(REGIONS)}.")
            if isinstance(strength, bool) or not isinstance(strength, Real) or not 0 <= strength <= 1:
                raise OptionError(f"the strength of {region} must be from 0 to 1, not {one_line(repr(strength), 40)}")
        if self.rest is not None and not 0 <= self.rest <= 1:
            raise OptionError(f"the strength of the rest must be from 0 to 1, not {self.rest}")
        if self.feather is not None and self.feather < 0:
            raise OptionError(f"feather must be at least 0 pixels, not {self.feather}")
        if self.mask_mode not in MASK_MODES:
            raise OptionError(f"unknown mask mode '{self.mask_mode}'. Known: {', '.join(MASK_MODES)}.")

    @property
    def restores_nothing(self) -> bool:
        """Whether every strength is 0, and no mask says otherwise."""
        united = self.mask is not None and self.mask_mode == "unite"
        return not united and not any(self.strength_of(region) for region in REGIONS)

    def strength_of(self, region: str) -> float:
        """In [0, 1], named or not."""
        return self.strengths.get(region, DEFAULTS[region] if self.rest is None else self.rest)


def read_regions(text: str) -> RegionOptions:
    """Read strengths from a text.

    Args:
        text: "eyes=1, skin=0.5"; "rest=0" is for all regions not named.

    Raises:
        OptionError: The text has another form, names what is no region, or one twice.
    """
    strengths: dict[str, float] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = (part.strip() for part in item.partition("="))
        if name in strengths:
            raise OptionError(f"{name} is named twice, with {strengths[name]:g} and {number}: name it once")
        try:
            strengths[name] = float(number)
        except ValueError:
            equals = ""
        if not equals:
            raise OptionError(f"'{item}' is no region with its strength. Write them as eyes=1,skin=0.5,rest=0.")
    rest = strengths.pop(REST, None)
    return RegionOptions(strengths, rest)


def face_mask_of(
    crop: FaceCrop, side: int, options: RegionOptions, softness: float, parts: Tensor | None = None
) -> Tensor:
    """The blend mask of a face, from its regions.

    Args:
        crop: The face.
        side: Of the restored crop, in pixels.
        options: Strengths, and what is done to the regions.
        softness: Width of the soft edge of the whole face, in (0, 1].
        parts: [10, h, w] of 0 and 1, in the order of ``REGIONS``, from a parser; None works them out, coarser, from the five
            landmarks.

    Returns:
        [1, side, side] in [0, 1], 0 at the border of the crop.

    Raises:
        OptionError: The mask is of another shape than the frame, or there are fewer masks than frames.
    """
    work = min(side, _SIDE)
    scale = work / side
    if parts is None:
        parts = _rough_parts(crop, work, options.meshes).to(crop.pixels)
        outline = ellipse_mask(work, crop.template, softness).to(crop.pixels)
    else:
        parts = F.interpolate(parts[None].to(crop.pixels), (work, work), mode="nearest-exact")[0]
        outline = _outline(parts, options, 0.0 if options.strengths else options.grow * scale, softness)
    strength = _strengths(parts, options, options.grow * scale)
    feather = (_FEATHER * work if options.feather is None else options.feather * scale) / _RISE
    if options.mask is not None:
        drawn = _drawn(crop, options.mask, work).to(outline)
        strength = _combined(strength, drawn, options.mask_mode)
        if options.mask_mode == "unite":
            outline = torch.maximum(outline, gaussian_blur(drawn, feather) * border_fade(work).to(outline))
    mask = outline * gaussian_blur(strength, feather)
    return F.interpolate(mask[None], (side, side), mode="bilinear")[0].clamp(0, 1)


def _rough_parts(crop: FaceCrop, side: int, meshes: Sequence[FaceMesh]) -> Tensor:
    """[10, side, side] from the five landmarks, and from a mesh where there is one."""
    to_crop = compose(crop.image_to_crop, resize_affine(size_of(crop.pixels), (side, side)))
    landmarks = apply_affine(to_crop, torch.tensor(crop.face.landmarks, dtype=torch.float64))
    mesh = mesh_of(crop.face, meshes)
    shapes = {} if mesh is None else shapes_from_mesh(apply_affine(to_crop, mesh), side)
    return parts_from_landmarks(landmarks, side, shapes)


def _outline(parts: Tensor, options: RegionOptions, grow: float, softness: float) -> Tensor:
    """The whole face, with an edge that is soft towards the inside; regions inside it have edges of their own."""
    belongs = torch.tensor([max(DEFAULTS[region], options.strength_of(region)) > 0 for region in REGIONS])
    inside = parts[belongs.to(parts.device)].amax(0, keepdim=True)
    return region_mask(_grown(inside, grow), softness)


def _strengths(parts: Tensor, options: RegionOptions, grow: float) -> Tensor:
    """[10, S, S] → [1, S, S]; beyond the face, as at its edge, so that the face's own edge is the only one there."""
    levels = torch.tensor([options.strength_of(region) for region in REGIONS]).to(parts)
    strength = (parts * levels[:, None, None]).sum(0, keepdim=True)
    for region, level in options.strengths.items():
        shape = parts[REGIONS.index(region)][None]
        changed = _grown(shape, grow)
        given_up = (shape > 0) & (changed == 0)  # by a region that shrinks: to the skin around it
        strength = torch.where(changed > 0, level, torch.where(given_up, levels[0], strength))
    return torch.where(parts.amax(0, keepdim=True) > 0, strength, dilated(strength, _BEYOND))


def _grown(shape: Tensor, by: float) -> Tensor:
    return dilated(shape, by) if by >= 0 else eroded(shape, -by)


def _drawn(crop: FaceCrop, mask: Tensor, side: int) -> Tensor:
    """The user's mask as it lies on the crop: [1, side, side]."""
    frame = crop.face.frame if len(mask) > 1 else 0
    if frame >= len(mask):
        raise OptionError(
            f"there are {len(mask)} masks, but a face is in image {frame + 1}: use one mask, or one per image"
        )
    own = mask[frame].float()
    (height, width), (own_height, own_width) = crop.face.image_size, size_of(own)
    if not same_shape(size_of(own), crop.face.image_size):
        raise OptionError(
            f"the mask is {own_width}×{own_height} but the image is {width}×{height}: the aspect ratios must match"
        )
    to_crop = compose(crop.image_to_crop, resize_affine(size_of(crop.pixels), (side, side)))
    return warp(own, compose(resize_affine(size_of(own), crop.face.image_size), to_crop), (side, side), mirror=False)


def _combined(strength: Tensor, drawn: Tensor, mode: str) -> Tensor:
    if mode == "unite":
        return torch.maximum(strength, drawn)
    return strength * (drawn if mode == "intersect" else 1 - drawn)

"""Which pixels of a crop belong to which region of the face: from a parser's labels, or roughly from five landmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor

REGIONS = ("skin", "brows", "eyes", "glasses", "nose", "mouth", "ears", "hair", "neck", "hat")
MASK_MODES = ("intersect", "unite", "subtract")  # what a user's mask does to them

# The labels of CelebAMask-HQ, by which both parsers were trained, and the region each belongs to. What is missing
# ("background", "cloth") belongs to none.
REGION_OF_LABEL: MappingProxyType[str, str] = MappingProxyType(
    {
        "skin": "skin", "nose": "nose", "eyeglasses": "glasses", "left_eye": "eyes", "right_eye": "eyes",
        "left_brow": "brows", "right_brow": "brows", "left_ear": "ears", "right_ear": "ears", "earring": "ears",
        "mouth": "mouth", "upper_lip": "mouth", "lower_lip": "mouth", "hair": "hair", "hat": "hat", "neck": "neck",
        "necklace": "neck",
    }
)  # fmt: skip

# Ellipses, in units of the face: across, of the distance between the eyes; along, of that from the eyes to the mouth; from
# the middle between the eyes. (center across, center along, radius across, radius along). The oval is that of the blend mask;
# features follow Farkas (1994) and are generous, since five points say nothing of their shape.
_OVAL = (0.0, 0.38, 1.2, 1.35)
_EYES = ((-0.5, 0.0, 0.3, 0.18), (0.5, 0.0, 0.3, 0.18))
_BROWS = ((-0.53, -0.32, 0.42, 0.14), (0.53, -0.32, 0.42, 0.14))
_MOUTH = (0.0, 1.0, 0.58, 0.28)
_NOSE_TOP, _NOSE_BOTTOM, _NOSE_WIDTH = -0.05, 0.16, 0.34  # the bottom below the tip
_EAR_TOP, _EAR_BOTTOM, _NECK_TOP = -0.2, 0.85, 1.2  # beside and below the oval


def parts_from_labels(labels: Tensor, names: Sequence[str]) -> Tensor:
    """A parser's labels as regions.

    Args:
        labels: [..., H, W], indices into ``names``.
        names: What the parser's labels mean.

    Returns:
        [..., 10, H, W] float32 of 0 and 1, in the order of ``REGIONS``.
    """
    region_of = torch.full((len(names),), len(REGIONS))
    for index, name in enumerate(names):
        if name in REGION_OF_LABEL:
            region_of[index] = REGIONS.index(REGION_OF_LABEL[name])
    regions = region_of.to(labels.device)[labels]
    numbers = torch.arange(len(REGIONS), device=labels.device)[:, None, None]
    return (regions[..., None, :, :] == numbers).float()


def parts_from_landmarks(landmarks: Tensor, side: int, shapes: Mapping[str, Tensor] = MappingProxyType({})) -> Tensor:
    """Regions as far as five points tell: what is inside the face's oval, and what lies around it.

    Args:
        landmarks: [5, 2], (x, y) in pixels of the crop: eyes, nose, mouth corners.
        side: Of the crop.
        shapes: Region → [side, side] bool, of the regions that are known better ("skin" is the oval with all that is in it).

    Returns:
        [10, side, side] float32 of 0 and 1, in the order of ``REGIONS``; every pixel belongs to one region. Glasses and hats
        can't be told: they are empty.
    """
    across, along = _face_coordinates(landmarks.double(), side)
    nose = _nose_tip(landmarks.double())
    oval = _ellipse(across, along, _OVAL)
    features = {
        "mouth": _ellipse(across, along, _MOUTH),
        "nose": _nose(across, along, nose),
        "eyes": _ellipse(across, along, _EYES[0]) | _ellipse(across, along, _EYES[1]),
        "brows": _ellipse(across, along, _BROWS[0]) | _ellipse(across, along, _BROWS[1]),
        "skin": oval,
        "ears": (along > _EAR_TOP) & (along < _EAR_BOTTOM),
        "neck": along >= _NECK_TOP,
        "hair": torch.ones_like(oval),
    } | dict(shapes)
    parts, free = torch.zeros(len(REGIONS), side, side), torch.ones(side, side, dtype=torch.bool)
    for region, shape in features.items():
        parts[REGIONS.index(region)] = (shape & free).float()
        free &= ~shape
    return parts


def _face_coordinates(landmarks: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Of every pixel, how far across and along the face it lies: two of [side, side]."""
    origin, axes = _axes(landmarks)
    axis = torch.arange(side, dtype=torch.float64)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    across, along = torch.linalg.inv(axes) @ (torch.stack((x, y)).flatten(1) - origin[:, None])
    return across.view(side, side), along.view(side, side)


def _axes(landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """The middle between the eyes [2], and [2, 2], whose columns lead from eye to eye and from the eyes to the mouth."""
    left, right, _, left_mouth, right_mouth = landmarks
    origin = (left + right) / 2
    return origin, torch.stack((right - left, (left_mouth + right_mouth) / 2 - origin), dim=1)


def _nose_tip(landmarks: Tensor) -> tuple[float, float]:
    origin, axes = _axes(landmarks)
    across, along = torch.linalg.solve(axes, landmarks[2] - origin).tolist()
    return across, along


def _nose(across: Tensor, along: Tensor, tip: tuple[float, float]) -> Tensor:
    """A wedge from between the eyes to below the tip, which a turned head has to one side."""
    bottom = tip[1] + _NOSE_BOTTOM
    down = (along - _NOSE_TOP) / max(bottom - _NOSE_TOP, 1e-3)
    middle = tip[0] * down.clamp(0, 1)
    return (down > 0) & (down < 1) & ((across - middle).abs() < _NOSE_WIDTH * (0.35 + 0.65 * down))


def _ellipse(across: Tensor, along: Tensor, ellipse: tuple[float, float, float, float]) -> Tensor:
    x, y, width, height = ellipse
    inside: Tensor = ((across - x) / width).square() + ((along - y) / height).square() < 1
    return inside

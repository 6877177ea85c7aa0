"""SEGS, the regions that detailer nodes of other packs work on.

SEGS are ``((height, width), [SEG, …])``, for one image. The fields of a SEG are read by name, so a tuple of ours with the
same names works in those packs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from ...errors import OptionError
from ...geometry import compose, crop_affine, invert_affine, same_shape, size_of
from ...imaging.masks import ellipse_mask
from ...imaging.warp import warp
from ...types import Box, Face
from ..alignment import check_same_picture, crop_transform
from ..moving import resized_with
from .boxes import GivenBox

_MASK_SIDE, _MASK_TEMPLATE, _MASK_SOFTNESS = 256, "ffhq", 0.05


class SEG(NamedTuple):
    """A region of an image.

    Attributes:
        cropped_image: [1, h, w, 3] RGB in [0, 1], or None: whoever needs it crops it from the image.
        cropped_mask: [h, w] float32 in [0, 1], in the region.
        confidence: In [0, 1].
        crop_region: [x0, y0, x1, y1] in whole pixels: the region, larger than the box.
        bbox: x0, y0, x1, y1 in whole pixels.
        label: "face".
        control_net_wrapper: Of no use to us.
    """

    cropped_image: Any
    cropped_mask: np.ndarray
    confidence: float
    crop_region: list[int]
    bbox: tuple[int, int, int, int]
    label: str
    control_net_wrapper: Any = None


def faces_to_segs(faces: Iterable[Face], image: Tensor, crop_factor: float = 3.0) -> tuple[tuple[int, int], list[SEG]]:
    """The faces of one image as SEGS, each with an oval mask over the face.

    Args:
        faces: All in this image, whatever their ``frame``.
        image: [3 or more, H, W] RGB in [0, 1]: the one in which they were found, or a resized copy.
        crop_factor: How much larger than the face's box the region around it is, at least 1.

    Returns:
        SEGS. A face whose box lies outside the image is left out.

    Raises:
        ImageError: A face was found in an image of another shape.
        OptionError: ``crop_factor`` is below 1.
    """
    if not crop_factor >= 1:
        raise OptionError(f"the crop factor must be at least 1, not {crop_factor}")
    size = size_of(image)
    made = (_seg(face, image, size, crop_factor) for face in faces)
    return size, [seg for seg in made if seg is not None]


def boxes_of_segs(segs: Any, size: tuple[int, int], frames: int) -> tuple[GivenBox, ...]:
    """The boxes of SEGS, for every frame of a batch.

    Args:
        segs: From a node of another pack.
        size: (height, width) of the frames; SEGS of a resized image are scaled to it.
        frames: Number of frames in the batch.

    Raises:
        OptionError: These are no SEGS, or their image has another shape.
    """
    try:
        (height, width), regions = segs
        boxes = [(tuple(float(side) for side in seg.bbox), str(seg.label)) for seg in regions]
        ky, kx = size[0] / int(height), size[1] / int(width)
    except (TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise OptionError("these are no SEGS: connect the output of a SEGS detector") from error
    if not same_shape(size, (int(height), int(width))):
        raise OptionError(f"the SEGS are of a {width}×{height} image, but this one is {size[1]}×{size[0]}")
    found = []
    for sides, label in boxes:
        if len(sides) != 4 or not np.isfinite(sides).all() or sides[2] <= sides[0] or sides[3] <= sides[1]:
            raise OptionError(f"a box of the SEGS has no area: {sides}")
        found.append(((sides[0] * kx, sides[1] * ky, sides[2] * kx, sides[3] * ky), label))
    return tuple(GivenBox(box, frame, label) for frame in range(frames) for box, label in found)


def _seg(face: Face, image: Tensor, size: tuple[int, int], crop_factor: float) -> SEG | None:
    check_same_picture(face, size)
    face = resized_with(face, size)
    box = _whole(face.box, size)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    grown_x, grown_y = (x1 - x0) * (crop_factor - 1) / 2, (y1 - y0) * (crop_factor - 1) / 2
    region = _whole((x0 - grown_x, y0 - grown_y, x1 + grown_x, y1 + grown_y), size) or box
    crop = image[None, :3, region[1] : region[3], region[0] : region[2]].movedim(1, -1).float().cpu()
    return SEG(crop.contiguous(), _oval(face, region), face.score, list(region), box, "face")


def _oval(face: Face, region: Sequence[int]) -> np.ndarray:
    """The face's oval, as the region sees it: [h, w] float32."""
    oval = ellipse_mask(_MASK_SIDE, _MASK_TEMPLATE, _MASK_SOFTNESS)
    to_frame = invert_affine(crop_transform(face, _MASK_SIDE, _MASK_TEMPLATE))
    to_region = compose(to_frame, crop_affine(region[0], region[1]))
    mask = warp(oval, to_region, (region[3] - region[1], region[2] - region[0]), mirror=False)
    return mask[0].numpy()


def _whole(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """In whole pixels and inside the image; None where nothing of it is."""
    x0, y0, x1, y1 = (round(side) for side in box)
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, size[1]), min(y1, size[0])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

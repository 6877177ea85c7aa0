"""How large the result is that faces are blended into."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from torch import Tensor

from ..faces.alignment import crop_transform
from ..geometry import resize_affine, scale_of, size_of
from ..modes import AUTO
from ..types import Face
from .blend_options import BlendOptions


def output_scale(
    options: BlendOptions, faces: Iterable[Face], frame_size: tuple[int, int], pixels: int, template: str
) -> float:
    """The factor by which frames grow. ``pixels``: side of a restored face.

    "auto" is what the largest face needs to keep its restored pixels: at least 1, and at most what the pixel budget allows.
    """
    if options.scale != AUTO:
        return float(options.scale)
    height, width = frame_size
    needed = [
        scale_of(crop_transform(face, pixels, template)) * scale_of(resize_affine(frame_size, face.image_size))
        for face in faces
    ]
    affordable = math.sqrt(options.max_megapixels * 1e6 / (height * width))
    return max(1.0, min([*needed, affordable])) if needed else 1.0


def canvas_size(frame_size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) after scaling, at least one pixel each."""
    return max(1, round(frame_size[0] * scale)), max(1, round(frame_size[1] * scale))


def result_size(
    frames: Tensor,
    background: Tensor | None,
    options: BlendOptions,
    faces: Sequence[Face],
    pixels: int,
    template: str,
    is_map: bool = False,
) -> tuple[int, int]:
    """(height, width) of the result: the background's, or the frames' at the scale asked for (see ``output_scale``).

    Of a label map (``is_map``), which has no pixels worth keeping: the model's own size, at that scale.
    """
    if is_map:
        return canvas_size((pixels, pixels), 1.0 if options.scale == AUTO else float(options.scale))
    if background is not None:
        return size_of(background)
    return canvas_size(size_of(frames), output_scale(options, faces, size_of(frames), pixels, template))

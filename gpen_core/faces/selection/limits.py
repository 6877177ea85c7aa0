"""Limits of size, score and quality: which one a face misses, in words."""

from __future__ import annotations

from ...types import Face
from .options import SelectOptions


def limit_missed(face: Face, options: SelectOptions) -> str:
    """Say which limit the face misses, or "" where it misses none."""
    side, quality = min(face.width, face.height), face.quality
    share = 100 * max(face.width, 0.0) * max(face.height, 0.0) / (face.image_size[0] * face.image_size[1])
    if side < options.min_size:
        return f"{side:.0f} px, below {options.min_size:g} px"
    if options.max_size and side > options.max_size:
        return f"{side:.0f} px, above {options.max_size:g} px"
    if share < options.min_share:
        return f"{share:.2g} % of the image, below {options.min_share:g} %"
    if options.max_share and share > options.max_share:
        return f"{share:.2g} % of the image, above {options.max_share:g} %"
    if face.score < options.min_score:
        return f"score {face.score:.2f}, below {options.min_score:g}"
    if quality is None:
        return "quality not known" if options.min_quality > 0 else ""
    if quality < options.min_quality:
        return f"quality {quality:.2f}, below {options.min_quality:g}"
    if quality > options.max_quality:
        return f"quality {quality:.2f}, above {options.max_quality:g}"
    return ""

"""Faces from other programs and for them: boxes, landmarks, SEGS, and pictures that are aligned already."""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .aligned import AlignedPictures, WholePictures, aligned_face, whole_picture
    from .boxes import GivenBox, parse_boxes, read_boxes
    from .landmarks import faces_from_landmarks
    from .segs import SEG, boxes_of_segs, faces_to_segs
    from .within import Located, faces_in_boxes

__all__ = [
    "SEG",
    "AlignedPictures",
    "GivenBox",
    "Located",
    "WholePictures",
    "aligned_face",
    "boxes_of_segs",
    "faces_from_landmarks",
    "faces_in_boxes",
    "faces_to_segs",
    "parse_boxes",
    "read_boxes",
    "whole_picture",
]

__getattr__ = lazy_names(
    __name__,
    {
        "aligned": ("AlignedPictures", "WholePictures", "aligned_face", "whole_picture"),
        "boxes": ("GivenBox", "parse_boxes", "read_boxes"),
        "landmarks": ("faces_from_landmarks",),
        "segs": ("SEG", "boxes_of_segs", "faces_to_segs"),
        "within": ("Located", "faces_in_boxes"),
    },
)

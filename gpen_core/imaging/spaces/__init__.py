"""Color spaces of files, to and from sRGB, which networks see."""

from .described import space_of_cicp, space_of_png
from .inks import InkSpace
from .profiles import ProfileError, space_of_profile
from .space import Space, Unbounded, are_alike

__all__ = [
    "InkSpace",
    "ProfileError",
    "Space",
    "Unbounded",
    "are_alike",
    "space_of_cicp",
    "space_of_png",
    "space_of_profile",
]

"""Image files: read with all that they know, and written with all that they can hold."""

from .formats import IMAGE_EXTENSIONS, WRITABLE
from .limits import MOST_MEGAPIXELS
from .picture import Known, Picture, Resolution, Text
from .reading import load_picture
from .rows import as_image
from .writing import check_side, save_picture

__all__ = [
    "IMAGE_EXTENSIONS",
    "MOST_MEGAPIXELS",
    "WRITABLE",
    "Known",
    "Picture",
    "Resolution",
    "Text",
    "as_image",
    "check_side",
    "load_picture",
    "save_picture",
]

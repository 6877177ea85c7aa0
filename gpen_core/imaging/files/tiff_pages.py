"""Which page of a TIFF file is the picture, and what its tags say beside the pixels."""

from __future__ import annotations

from ...errors import ImageError
from .exif import resolution_of
from .ifd import Block, Directory, Reader
from .photoshop import iptc_of
from .picture import Known
from .tiff_layout import depth_of_page, is_other_page, samples_of_page, size_of_page

_XMP, _IPTC, _PHOTOSHOP, _ICC, _PLANAR, _PHOTOMETRIC, _INKS = 700, 33723, 34377, 34675, 284, 262, (5, 8, 9, 10)
_ALIKE = 0.02  # of the ratio of two sides


def page_of(name: str, reader: Reader) -> tuple[int, Directory, list[str]]:
    """The page that is the picture, with its number from 0; and what is left out, in words.

    Raises:
        ImageError: There is none, or more than one.
    """
    pages = list(enumerate(reader.pages()))
    found = [(number, page) for number, page in pages if not is_other_page(page, reader.order)] or pages[:1]
    if not found:
        raise ImageError(f"{name}: cannot be read (it holds no picture).")
    largest = max((page for _, page in found), key=lambda page: _pixels(page, reader.order))
    found = [one for one in found if one[1] is largest or not _is_copy(one[1], largest, reader.order)]
    if len(found) > 1:
        raise ImageError(f"{name}: contains {len(found)} images. Split it into single files first.")
    left = len(pages) - 1
    return (
        *found[0],
        [f"{left} smaller {'copy or mask' if left == 1 else 'copies or masks'} beside the image left out"]
        if left
        else [],
    )


def about_page(page: Directory, order: str) -> tuple[tuple[int, int], Known, bytes | None]:
    """Its size (width, height), what else it knows, and its color profile."""
    xmp, iptc, photoshop, icc = (page[tag].data if tag in page else None for tag in (_XMP, _IPTC, _PHOTOSHOP, _ICC))
    iptc = iptc or (iptc_of(photoshop) if photoshop else None)
    if iptc and not iptc.startswith(b"\x1c") and len(iptc) % 4 == 0:  # as numbers of 32 bits, in the file's order
        turned = b"".join(iptc[at : at + 4][::-1] for at in range(0, len(iptc), 4))
        iptc = turned if turned.startswith(b"\x1c") else None
    known = Known(xmp=xmp, iptc=iptc, resolution=resolution_of(Block(order, page)))
    return size_of_page(page, order), known, icc


def is_for_pillow(page: Directory, reader: Reader) -> bool:
    """Whether Pillow reads all of the page's bits, and rightly.

    It takes planes of gray and alpha for one plane (Pillow 13), and knows neither large files in this byte order, nor inks
    with another channel.
    """
    bits, special, is_gray = depth_of_page(page, reader.order)
    if bits > 8 or special or (reader.big and reader.order == ">"):
        return False
    colors, samples, in_planes = samples_of_page(page, reader.order)
    if bits < 8 or not colors or samples <= colors:
        return True
    return samples == colors + 1 and colors != 4 and not (is_gray and in_planes)


def _is_copy(page: Directory, largest: Directory, order: str) -> bool:
    """Whether a page is likely a reduced copy of the largest one, though it does not say so."""
    (width, height), (whole_width, whole_height) = size_of_page(page, order), size_of_page(largest, order)
    if not (width and height and 2 * width <= whole_width and 2 * height <= whole_height):
        return False
    return abs(width * whole_height / (height * whole_width) - 1) <= _ALIKE + 1 / min(width, height)


def _pixels(page: Directory, order: str) -> int:
    width, height = size_of_page(page, order)
    return width * height

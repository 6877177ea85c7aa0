"""One broken frame or face must not cost the others: it is named, and they are worked on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from torch import Tensor

from ..errors import GpenError, ImageError, OptionError
from ..faces.alignment import crop_transform
from ..geometry import invert_affine, mapped_box
from ..imaging.batches import not_finite
from ..imaging.numbers import is_finite
from ..types import Face

_ENDLESS = 1e6  # times: a crop this much larger than its frame, or smaller than a pixel of it, is of no face


def check_any_finite(total: int, bad: Sequence[int], say: Callable[[str], None]) -> None:
    """Name the frames ``bad``, by their indices, that hold NaN or infinity. Raises ImageError where that is all of them."""
    if not bad:
        return
    if len(bad) == total:
        raise ImageError("the frame contains NaN or infinity. Check the step that produced it")
    say(not_finite(bad, total))


def workable_faces(
    frames: Tensor, faces: Sequence[Face], size: int, template: str, say: Callable[[str], None]
) -> tuple[Face, ...]:
    """Those of ``faces`` that can be cut out of their frames; ``say`` hears of each other one.

    Args:
        frames: [B, 3 or more, H, W].
        faces: Of these frames.
        size: Side of the crops, in pixels.
        template: Their alignment.
        say: Takes a sentence for the user.

    Raises:
        OptionError: There are faces, and all of them have landmarks that cannot be a face's.
        ImageError: There are faces, and all lie in frames of NaN or infinity, or some do and the others are such.
    """
    finite: dict[int, bool] = {}
    good, broken = [], list[tuple[str, GpenError]]()
    for number, face in enumerate(faces):
        error = _fault(frames, face, size, template, finite)
        if error is None:
            good.append(face)
        else:
            broken.append((_name(face, number, len(frames)), error))
    if broken and not good:
        name, error = broken[0]
        raise type(error)(f"{name} cannot be restored: {error}")
    for name, error in broken:
        say(f"{name} cannot be restored, but the others are: {error}")
    return tuple(good)


def first_workable(frames: Tensor, faces: Sequence[Face], size: int, template: str, say: Callable[[str], None]) -> Face:
    """The first of ``faces``, one at least, that can be cut out of its frame; those after it are not looked at.

    Args and errors are those of ``workable_faces``; ``say`` hears of the first one where it is not taken.
    """
    finite: dict[int, bool] = {}
    first: GpenError | None = None
    for number, face in enumerate(faces):
        error = _fault(frames, face, size, template, finite)
        if error is None:
            if first is not None:
                name, taken = (_name(faces[index], index, len(frames)) for index in (0, number))
                say(f"{name} cannot be used, {taken} is: {first}")
            return face
        first = first or error
    if first is None:
        raise ImageError("there is no face")
    raise type(first)(f"{_name(faces[0], 0, len(frames))} cannot be used: {first}")


def _name(face: Face, index: int, frames: int) -> str:
    """What a face is called in messages about a batch of so many frames."""
    return f"face {face.id or index + 1}" + (f" of image {face.frame + 1}" if frames > 1 else "")


def _fault(frames: Tensor, face: Face, size: int, template: str, finite: dict[int, bool]) -> GpenError | None:
    """Why a face cannot be cut out of its frame; ``finite`` remembers which frames hold numbers only."""
    try:
        if face.frame not in finite:
            finite[face.frame] = is_finite(frames[face.frame])
        if not finite[face.frame]:
            raise ImageError("its image contains NaN or infinity")
        _check_place(face, size, template)
    except (ImageError, OptionError) as error:
        return error
    return None


def _check_place(face: Face, size: int, template: str) -> None:
    """Raise OptionError unless the crop shows a part of its frame, at a scale that a face can have."""
    height, width = face.image_size
    if not all(map(math.isfinite, face.box)):
        raise OptionError("its box is not finite")
    crop_to_image = invert_affine(crop_transform(face, size, template))
    x0, y0, x1, y1 = mapped_box(crop_to_image, (size, size))
    if x1 < -0.5 or y1 < -0.5 or x0 > width - 0.5 or y0 > height - 0.5:
        raise OptionError("its landmarks lie outside of the image")
    if not 1 / _ENDLESS < max(x1 - x0, y1 - y0) / max(width, height) < _ENDLESS:
        raise OptionError("its landmarks are no face's")

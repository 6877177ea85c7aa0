"""What a batch of frames must be. Public functions of the pipeline check that once; what they call takes it for granted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median

from torch import Tensor

from ..errors import ImageError
from ..faces.alignment import check_same_picture
from ..faces.appearance import likeness_to
from ..geometry import same_shape, size_of
from ..imaging.numbers import is_stored
from ..types import Face
from .summary import counted

# Of 170 aligned portraits, as alike as pictures of different people get, 99.5 % and more are below this in another one's place,
# at a sixth of the size (23 px) 97 %; and no copy that was recolored, equalized, clipped, blurred, compressed, retouched, made
# noisy or negative. Of copies that were reduced to faces of 11 px and enlarged again, 2 % are.
_ANOTHER_PICTURE = 0.45


def check_frames(frames: Tensor, *, stored: bool = False) -> None:
    """frames: [B, C, H, W] float with C ≥ 3, not empty; or, ``stored``, uint8 or uint16. Raises ImageError."""
    if frames.dim() != 4 or frames.shape[1] < 3 or 0 in frames.shape:
        raise ImageError(f"frames must be [B, 3 or more, H, W] and not empty, not {list(frames.shape)}")
    if not frames.is_floating_point() and not (stored and is_stored(frames)):
        raise ImageError(f"frames must be floating point in [0, 1], not {frames.dtype}")


def check_background(frames: Tensor, background: Tensor) -> None:
    """An already upscaled copy must have as many frames and the same shape. Raises ImageError."""
    check_frames(background)
    if len(background) != len(frames):
        raise ImageError(
            f"background has {counted(len(background), 'image')}, image has {len(frames)}: connect the same number."
        )
    (height, width), (new_height, new_width) = size_of(frames), size_of(background)
    if not same_shape(size_of(frames), size_of(background)):
        raise ImageError(
            f"background is {new_width}×{new_height} but image is {width}×{height}: the aspect ratios must match."
        )


def check_faces_of(frames: Tensor, faces: Iterable[Face]) -> None:
    """Raise ImageError where a face belongs to a frame that is not there, or to a picture of another shape."""
    size = size_of(frames)
    for face in faces:
        if face.frame < 0:
            raise ImageError(f"a face is from image number {face.frame}; they count from 0, the first of the batch.")
        if face.frame >= len(frames):
            raise ImageError(
                f"the faces are from {face.frame + 1} images or more, but here {'is' if len(frames) == 1 else 'are'} only "
                f"{len(frames)}. Use the images in which they were detected."
            )
        check_same_picture(face, size)


def notice_another_picture(frames: Tensor, faces: Iterable[Face], say: Callable[[str], None]) -> None:
    """Say where frames plainly show something else than what was found in them; a processed copy is no other picture.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1], which ``check_faces_of`` let pass.
        faces: Of these frames. Those without an ``appearance`` are not looked at.
        say: Takes the sentence.
    """
    seen: dict[int, list[float]] = {}
    for face in faces:
        if (likeness := likeness_to(frames[face.frame], face)) is not None:
            seen.setdefault(face.frame, []).append(likeness)
    others = [number + 1 for number, found in sorted(seen.items()) if median(found) < _ANOTHER_PICTURE]
    if others:
        which = (
            "The image" if len(frames) == 1 else f"Image {', '.join(map(str, others[:8]))}{', …' * (len(others) > 8)}"
        )
        say(
            f"{which} is not the one in which the faces were found: their boxes show something else. Connect the same image."
        )

"""Put restored faces back into frames of any size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..faces.alignment import WHOLE
from ..faces.parsing import FaceParser
from ..geometry import size_of
from ..imaging.batches import joined_background
from ..imaging.lanczos import resize_lanczos
from ..imaging.paste import paste_into
from ..polling import polling
from ..types import RestoredFace
from .blend_options import BlendOptions
from .canvas import result_size
from .frames import check_background, check_faces_of, check_frames, notice_another_picture
from .hooks import Hooks
from .patches import patch_of
from .shapes import shapes_of
from .whole import replace_whole


@dataclass(frozen=True, eq=False)
class Blended:
    """Frames with faces in them.

    Attributes:
        frames: [B, C, H', W'] in [0, 1].
        mask: [B, 1, H', W'], the share of each pixel that was replaced.
    """

    frames: Tensor
    mask: Tensor


def blend_frame(
    canvas: Tensor, faces: Sequence[RestoredFace], options: BlendOptions, parser: FaceParser | None = None
) -> tuple[Tensor, Tensor]:
    """canvas: [C, H', W'], a frame already at its final size; faces: those of this frame → picture and mask [1, H', W'].

    At strength 0 the canvas comes back bit for bit.
    """
    picture, mask = canvas.clone(), torch.zeros(1, *size_of(canvas), device=canvas.device)
    blend_into(picture, mask, faces, options, parser)
    return picture, mask


def blend_into(
    picture: Tensor,
    mask: Tensor,
    faces: Sequence[RestoredFace],
    options: BlendOptions,
    parser: FaceParser | None = None,
    *,
    own: bool = True,
    hooks: Hooks = Hooks(),
) -> None:
    """As ``blend_frame``, in place and at the cost of the faces' pixels.

    ``mask`` [1, H', W']: what was replaced before. ``own``: the picture is the frame itself, resized, and not a copy that
    something else upscaled.
    """
    if options.strength == 0 or not faces:
        return
    if options.whole_crop or any(face.crop.template == WHOLE for face in faces):
        faces = replace_whole(picture, mask, faces, options)
    shapes = shapes_of(faces, options, parser, hooks)
    patches = []
    for face, shape in zip(faces, shapes, strict=True):
        hooks.poll()  # a frame may have many faces, and its progress comes when all are in
        patches.append(patch_of(face, shape, picture, options, own))
    hooks.poll()
    paste_into(picture, mask, [patch for patch in patches if patch is not None])


def blend_faces(
    frames: Tensor,
    faces: Sequence[RestoredFace],
    options: BlendOptions = BlendOptions(),
    *,
    parser: FaceParser | None = None,
    background: Tensor | None = None,
    hooks: Hooks = Hooks(),
) -> Blended:
    """Put restored faces back into their frames.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1], in which the faces were found. Channels after the third are kept.
        faces: What goes into them. Without any, frames of the same size come back as they are.
        options: Scale, strength, softness and color matching.
        parser: Draws the outline of each face; without one it is an oval.
        background: The same frames already upscaled, [B, 3 or 4, H', W'], of any size and the same aspect ratio: faces go
            into these, and ``options.scale`` is ignored. Where only one of both has alpha, the result has it.
        hooks: Told after each frame, as stage "blend", with the frame as preview.

    Returns:
        The frames at the scale asked for, and which part of them was replaced.

    Raises:
        ImageError: ``frames`` or ``background`` is no such batch, or a face was found in another one.
    """
    check_frames(frames)
    found = [face.crop.face for face in faces]
    check_faces_of(frames, found)
    if background is not None:
        check_background(frames, background)
        background = joined_background(frames, background)
    notice_another_picture(frames, found, hooks.miss)
    pixels, template = (faces[0].pixels.shape[-1], faces[0].crop.template) if faces else (0, "")
    size = result_size(frames, background, options, found, pixels, template)
    by_frame = ([face for face in faces if face.crop.face.frame == index] for index in range(len(frames)))
    with polling(hooks.poll):
        return blend_each(frames, by_frame, size, options, parser=parser, background=background, hooks=hooks)


def miss_regions(options: BlendOptions, hooks: Hooks) -> None:
    """Say once, before the work, that no region is to be restored: whoever turned all down may have meant one."""
    if options.regions is not None and options.regions.restores_nothing:
        hooks.miss("Every region of the face has strength 0: nothing is restored.")


def blend_each(
    frames: Tensor,
    faces: Iterable[Sequence[RestoredFace]],
    size: tuple[int, int],
    options: BlendOptions,
    *,
    parser: FaceParser | None,
    background: Tensor | None,
    hooks: Hooks,
    in_place: bool = False,
) -> Blended:
    """Blend frame after frame; ``faces`` yields those of each frame in turn, as late as it likes.

    Whole numbers stay so where the size stays the same: then they are rounded once, and only where something is replaced.
    ``in_place``: the frames may become the result.
    """
    miss_regions(options, hooks)
    source = frames if background is None else background
    stays = size_of(source) == size and (in_place or not source.is_floating_point())
    if stays:
        is_own = in_place and 0 not in source.stride()  # gray shown as three channels is one in memory
        pictures = source if is_own else source.clone()
    else:
        pictures = torch.empty(len(frames), source.shape[1], *size, dtype=torch.float32, device=source.device)
    masks = _nothing((len(frames), 1, *size), source.device)
    for index, mine in enumerate(faces):
        if not stays:
            resize_lanczos(source[index], size, out=pictures[index])
        blend_into(pictures[index], masks[index], mine, options, parser, own=background is None, hooks=hooks)
        hooks.progress("blend", index + 1, len(frames), pictures[index])
    return Blended(pictures, masks)


def _nothing(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Zeros; on a CPU, those of NumPy, which take memory only where something is written."""
    return torch.from_numpy(np.zeros(shape, np.float32)) if device.type == "cpu" else torch.zeros(shape, device=device)

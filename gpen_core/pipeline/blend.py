"""Put restored faces back into frames of any size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..faces.alignment import WHOLE, align_face, crop_transform
from ..faces.parsing import FaceParser
from ..faces.regions import RegionOptions, face_mask_of
from ..geometry import compose, crop_affine, invert_affine, resize_affine, scale_of, size_of
from ..imaging.batches import joined_background
from ..imaging.color import match_color
from ..imaging.lanczos import resize_lanczos
from ..imaging.masks import border_fade, change_mask, ellipse_mask, mask_box, region_mask
from ..imaging.paste import Patch, paste_into
from ..imaging.warp import MINIFIES, Rect, margin_of, reduced, resize_filtered, widened
from ..polling import polling
from ..tasks import TASKS
from ..types import AUTO, Face, RestoredFace
from .frames import check_background, check_faces_of, check_frames, notice_another_picture
from .hooks import Hooks, with_memory
from .options import BlendOptions
from .whole import fill_at, grain_of, replace_whole

_PARSING = "drawing the outline of a face"  # what a parser does, in messages


@dataclass(frozen=True, eq=False)
class Blended:
    """Frames with faces in them.

    Attributes:
        frames: [B, C, H', W'] in [0, 1].
        mask: [B, 1, H', W'], the share of each pixel that was replaced.
    """

    frames: Tensor
    mask: Tensor


@dataclass(frozen=True, eq=False)
class _Shape:
    """The part of a face that may be replaced: ``mask`` [1, S', S'] in [0, 1], and where it is above 0, if anywhere."""

    mask: Tensor
    box: Rect | None

    @classmethod
    def of(cls, mask: Tensor) -> _Shape:
        return cls(mask, mask_box(mask))


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
    shapes: Iterator[_Shape]
    if options.whole_crop or any(face.crop.template == WHOLE for face in faces):
        faces = replace_whole(picture, mask, faces, options)
    shapes = _shapes(faces, options, parser, hooks)
    patches = []
    for face, shape in zip(faces, shapes, strict=True):
        hooks.poll()  # a frame may have many faces, and its progress comes when all are in
        patches.append(_patch(face, shape, picture, options, own))
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
    notice_another_picture(frames, found, hooks.say)
    pixels, template = (faces[0].pixels.shape[-1], faces[0].crop.template) if faces else (0, "")
    size = result_size(frames, background, options, found, pixels, template)
    by_frame = ([face for face in faces if face.crop.face.frame == index] for index in range(len(frames)))
    with polling(hooks.poll):
        return blend_each(frames, by_frame, size, options, parser=parser, background=background, hooks=hooks)


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


def _shapes(
    faces: Sequence[RestoredFace], options: BlendOptions, parser: FaceParser | None, hooks: Hooks
) -> Iterator[_Shape]:
    if options.whole_crop or any(face.crop.fill is not None for face in faces):  # a mask says what is replaced
        yield from (_Shape.of(border_fade(face.pixels.shape[-1])) for face in faces)
        return
    if options.regions is not None:
        yield from _shapes_of_regions(faces, options, options.regions, parser, hooks)
        return
    if parser is not None:
        pixels = torch.stack([face.pixels for face in faces])
        regions = with_memory(partial(parser.regions, pixels), hooks, _PARSING)
        yield from (_Shape.of(region_mask(region, options.softness)) for region in regions)
        return
    ovals: dict[tuple[int, str], _Shape] = {}  # as a rule there is one, for all faces
    for face in faces:
        kind = (face.pixels.shape[-1], face.crop.template)
        if kind not in ovals:
            ovals[kind] = _Shape.of(ellipse_mask(*kind, options.softness))
        yield ovals[kind]


def _shapes_of_regions(
    faces: Sequence[RestoredFace],
    options: BlendOptions,
    regions: RegionOptions,
    parser: FaceParser | None,
    hooks: Hooks,
) -> Iterator[_Shape]:
    """As the restored faces are parsed: what a model made is sharper than what it was given."""
    for face in faces:
        parts = None
        if parser is not None:
            parts = with_memory(partial(parser.parts, face.pixels[None]), hooks, _PARSING)[0]
        yield _Shape.of(face_mask_of(face.crop, face.pixels.shape[-1], regions, options.softness, parts))


def _patch(face: RestoredFace, shape: _Shape, canvas: Tensor, options: BlendOptions, own: bool) -> Patch | None:
    """A restored face with its colors and its mask, and where it goes; None where nothing of it may be replaced.

    All this is worked out for the part that the shape shows, and at the canvas's scale where that is the smaller one.
    """
    size, strength = face.pixels.shape[-1], options.strength * face.strength
    to_canvas = compose(_restored_to_image(face), resize_affine(face.crop.face.image_size, size_of(canvas)))
    scale = scale_of(to_canvas)
    if shape.box is None or strength == 0:
        return None
    left, top, right, bottom = widened(shape.box, margin_of(scale), (size, size))
    layers = {
        name: layer[:, top:bottom, left:right].to(face.pixels)
        for name, layer in _layers(face, shape, canvas, own).items()
    }
    to_canvas = compose(crop_affine(-left, -top), to_canvas)
    if scale < MINIFIES:
        part, part_to_reduced = reduced(torch.cat(list(layers.values())), scale)
        layers = dict(zip(layers, part.split([len(layer) for layer in layers.values()]), strict=True))
        size, to_canvas = round(size * scale), compose(invert_affine(part_to_reduced), to_canvas)
    before, pixels, weight = layers["before"], layers["pixels"], layers["mask"]
    task = TASKS.get(face.task)
    if task is not None and task.keeps_colors:
        pixels = match_color(pixels, before, weight, options.color, size)
    mask = weight * change_mask(before, pixels, size) * strength
    if "weight" in layers:
        mask = mask * layers["weight"]
    base, detail = (
        layer if layer is None else layer.to(canvas.device) for layer in map(layers.get, ("base", "detail"))
    )
    grain = grain_of(face.crop.face, options)
    within = None if face.crop.fill is None else fill_at(face.crop.fill, size_of(canvas)).to(canvas.device)
    onto = None if task is None else task.returned
    return Patch(pixels.to(canvas.device), mask.to(canvas.device), to_canvas, base, detail, grain, onto, within)


def _layers(face: RestoredFace, shape: _Shape, canvas: Tensor, own: bool) -> dict[str, Tensor]:
    """All that is taken to the canvas, [1 or 3, S', S'] each."""
    size = face.pixels.shape[-1]
    layers = {"before": _resized(face.crop.pixels, size), "pixels": face.pixels, "mask": shape.mask}
    if face.weight is not None:
        layers["weight"] = face.weight
    if face.detail is not None:
        layers["detail"] = face.detail
        layers["base"] = _base(face, canvas, own)
    return layers


def _base(face: RestoredFace, canvas: Tensor, own: bool) -> Tensor:
    """What of the canvas a restored face can show, [3, S', S']: what the model saw, if it saw as much of the canvas."""
    size = face.pixels.shape[-1]
    if own and face.crop.pixels.shape[-1] == size:
        return face.crop.pixels
    return align_face(canvas, face.crop.face, size, face.crop.template).pixels


def _restored_to_image(face: RestoredFace) -> Tensor:
    crop_size, size = face.crop.pixels.shape[-1], face.pixels.shape[-1]
    return invert_affine(compose(face.crop.image_to_crop, resize_affine((crop_size, crop_size), (size, size))))


def _resized(crop: Tensor, size: int) -> Tensor:
    if crop.shape[-1] == size:
        return crop
    return resize_filtered(crop[None], (size, size), "bicubic")[0].clamp(0, 1)

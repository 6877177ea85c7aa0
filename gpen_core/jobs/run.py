"""Restore one planned image or clip, and write all that is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from ..faces.exchange import WholePictures
from ..faces.selection import Choice
from ..geometry import size_of
from ..imaging.files import Picture, check_side, load_picture, save_picture
from ..imaging.lanczos import resize_lanczos
from ..modes import AUTO
from ..pipeline import Hooks, Restoration, restore_image
from ..types import Face, FaceFacts, RestoredFace
from ..video.animated import ANIMATIONS, restore_animation
from ..video.reel import opened
from ..video.segments import restore_in_segments
from .beside import save_beside
from .job import Job, is_moving
from .options import FileOptions
from .staging import staged
from .tools import Tools


@dataclass(frozen=True, eq=False)
class Done:
    """What became of one image.

    Attributes:
        text: In words, for a log.
        size: (height, width) of the result.
        faces: Those that were worked on; of clips, none are listed.
        facts: What is known of each of them.
        seconds: What it took, without reading the file.
        left_out: The faces of an image that were found and not chosen, and why.
        moving: Whether it is a clip: nothing is written beside it.
        pair: The image before and after, [3, H, W] and [3, H', W'] RGB in [0, 1], where that was asked for.
    """

    text: str
    size: tuple[int, int]
    faces: tuple[Face, ...] = ()
    facts: tuple[FaceFacts, ...] = ()
    seconds: float = 0.0
    pair: tuple[Tensor, Tensor] | None = None
    left_out: tuple[Choice, ...] = ()
    moving: bool = False


def _ignore(path: Path) -> None:
    """Files that nobody looks at."""


def restore_job(
    job: Job,
    tools: Tools,
    options: FileOptions = FileOptions(),
    hooks: Hooks = Hooks(),
    *,
    keeps_pair: bool = False,
    on_written: Callable[[Path], None] = _ignore,
) -> Done:
    """Restore one image or clip and write its result, complete or not at all.

    Args:
        job: What, and where to.
        tools: Networks and settings.
        options: How files are read and written.
        hooks: Told of each stage, and of what could not be kept.
        keeps_pair: Whether images come back, before and after.
        on_written: Sees the result's file, complete, where it was written: on this machine.

    Raises:
        ImageError: It cannot be read or written.
        RestorationError: Not even one face fits into memory, or the network yields NaN or infinity.
    """
    with staged(job, options.retries) as stage:
        here, heard = stage.job, replace(hooks, say=lambda text: hooks.say(stage.named(text)))
        if is_moving(here) and here.only_beside:  # which an address does not tell until its file is here
            told = "moving: it has nothing beside it, and its result is there and stays"
            done = Done(told, _size_of(here.source), moving=True)
        elif is_moving(here):
            done = _restore_clip(here, tools, options, heard)
        else:
            done = _restore_picture(here, tools, options, heard, keeps_pair)
        on_written(here.target)
    return done


def _restore_picture(job: Job, tools: Tools, options: FileOptions, hooks: Hooks, keeps_pair: bool) -> Done:
    picture = load_picture(job.source, max_megapixels=options.max_megapixels)
    for note in picture.notes:
        hooks.say(f"{job.source}: {note}")
    _check_fits(picture, job.target, tools.settings.blend.scale)
    seen = picture.seen()
    faces: list[RestoredFace] = []
    on_face = faces.append if job.faces is not None else lambda face: None
    seconds = time.perf_counter()
    result = restore_image(
        seen[None], tools.model, tools.detector, tools.settings, parser=tools.parser, hooks=hooks, on_face=on_face,
        tools=tools.protect, reference=tools.reference, in_place=not keeps_pair and job.pair is None,
        background=_background(job, seen, tools, options, hooks), mask=options.companions.mask_of(job.source),
    )  # fmt: skip
    known = _in_color(picture) if tools.model.task.gives_color and result.faces else picture
    if tools.model.task.is_map:
        known = Picture(seen)  # a map's size, colors and texts say nothing of the face
    beside = time.perf_counter()
    save_beside(job, seen, result.frames[0], faces)
    seconds += time.perf_counter() - beside  # what was asked for besides does not count
    if not job.only_beside:
        for what in save_picture(known.restored(result.frames[0], result.mask[0]), job.target, options.quality):
            hooks.say(f"{job.target}: cannot hold {what}")
    seconds = time.perf_counter() - seconds
    size = (result.frames.shape[2], result.frames.shape[3])
    pair = (seen[:3], result.frames[0, :3]) if keeps_pair else None
    text = _told(result, tools, size_of(seen))
    return Done(text, size, result.faces, result.facts, seconds, pair, _left_out(result))


def _background(job: Job, seen: Tensor, tools: Tools, options: FileOptions, hooks: Hooks) -> Tensor | None:
    """What faces go into, [1, 3 or 4, H', W'], where that is another picture than their own."""
    if tools.upscaler is None:
        return options.companions.background_of(job.source)
    large = tools.upscaler(seen, hooks)
    scale = tools.settings.blend.scale
    if scale not in (1.0, AUTO):  # 1 is what nobody asked for: the network's own
        size = (max(1, round(seen.shape[1] * float(scale))), max(1, round(seen.shape[2] * float(scale))))
        large = resize_lanczos(large, size)
    return large[None]


def _restore_clip(job: Job, tools: Tools, options: FileOptions, hooks: Hooks) -> Done:
    seconds, networks = time.perf_counter(), tools.for_clips(options)
    if job.target.suffix.lower() in ANIMATIONS:
        report = restore_animation(job.source, job.target, networks, start=options.start, end=options.end, hooks=hooks)
    else:
        report = restore_in_segments(
            job.source, job.target, networks, start=options.start, end=options.end, hooks=hooks,
            segment_frames=options.segment_frames,
        )  # fmt: skip
    height, width = report.size
    return Done(f"{report.text()} {width}×{height}", report.size, seconds=time.perf_counter() - seconds, moving=True)


def _size_of(animation: Path) -> tuple[int, int]:
    with opened(animation) as picture:
        return picture.height, picture.width


def _check_fits(picture: Picture, target: Path, scale: float | str) -> None:
    """Whether the target's format has pictures of the result's size, said before the work; "auto" makes no picture smaller."""
    factor = 1.0 if scale == AUTO else float(scale)
    height, width = picture.numbers.shape[1:]
    check_side(target, (max(1, round(width * factor)), max(1, round(height * factor))))


def _told(result: Restoration, tools: Tools, before: tuple[int, int]) -> str:
    """In words; ``before``: (height, width) of the image."""
    height, width = size_of(result.frames)
    if isinstance(tools.detector, WholePictures) and result.faces:
        return f"{tools.detector.name}, {width}×{height}"
    nobody = _none(result, tools)
    count, same = len(result.faces), "image unchanged" if before == (height, width) else "image only resized"
    found = f"{count} face{'s' if count != 1 else ''}{_kept(result)}" if count else f"{nobody}, {same}"
    absent = "" if result.selection is None else result.selection.without()
    return f"{found}{f' (there is {absent})' if absent else ''}, {width}×{height}"


def _kept(result: Restoration) -> str:
    """How many faces were left as they are."""
    kept = sum(facts.strength == 0 for facts in result.facts)
    which = "" if kept == len(result.facts) else f"{kept} of them "
    return f", {which}left as {'it is' if kept == 1 else 'they are'}" if kept else ""


def _left_out(result: Restoration) -> tuple[Choice, ...]:
    """Faces that were not worked on."""
    return () if result.selection is None else tuple(one for one in result.selection.choices if not one.chosen)


def _none(result: Restoration, tools: Tools) -> str:
    """Why no face was worked on."""
    if result.selection is not None and result.selection.choices:
        return result.selection.why_none()
    if tools.model.task.fills:  # faces may be there, but none under the mask
        return "nothing filled"
    least = tools.settings.select.min_size  # the detector does not look for faces whose shorter side is below
    return f"no face of {least:g} px or more found" if least else "no face found"


def _in_color(picture: Picture) -> Picture:
    """What is known of a picture that becomes one in color: a grayscale file's profile does not apply to it."""
    return replace(picture.in_srgb(), gray=False) if picture.gray else picture

"""Moving pictures in picture files: animated GIF, WebP and PNG, and TIFF files of several pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageSequence, UnidentifiedImageError
from PIL.GifImagePlugin import GifImageFile
from torch import Tensor

from ..errors import ImageError
from ..files import written_whole
from ..imaging.files import MOST_MEGAPIXELS
from ..imaging.files.formats import format_of, open_as
from ..imaging.files.limits import check_size
from ..pipeline.clip import restore_stream
from ..pipeline.hooks import Hooks
from .report import ClipReport
from .tools import ClipTools

ANIMATIONS = (".gif", ".apng", ".png", ".webp", ".tif", ".tiff")
_FORMATS = {".gif": "GIF", ".apng": "PNG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_USUAL = 100  # milliseconds a frame, where the file does not say


@dataclass(frozen=True)
class Timing:
    """When frames are shown: ``durations`` in milliseconds, and how often all of them (0: for ever)."""

    durations: tuple[float, ...]
    loop: int


def is_animation(path: Path) -> bool:
    """Whether a picture file holds several frames of one size."""
    if path.suffix.lower() not in ANIMATIONS:
        return False
    try:
        with _opened(path) as picture:
            if getattr(picture, "n_frames", 1) < 2:
                return False
            first = picture.size
            picture.seek(1)  # a TIFF may have small copies of its picture as further pages
            return bool(picture.size == first)
    except (ImageError, UnidentifiedImageError, OSError, EOFError, SyntaxError):
        return False  # whoever reads it says what is wrong


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """By the readers of animations alone, whatever the file is called. Raises ImageError for any other file."""
    with path.open("rb") as file:
        is_gif = file.read(3) == b"GIF"
        kind = "GIF" if is_gif else format_of(path.name, file)
        if kind not in _FORMATS.values():
            raise ImageError(f"{path.name}: a file of this kind holds no animation")
        file.seek(0)
        with GifImageFile(file) if is_gif else open_as(kind, file) as picture:
            yield picture


def restore_animation(
    source: Path,
    target: Path,
    tools: ClipTools,
    *,
    start: float = 0.0,
    end: float | None = None,
    hooks: Hooks = Hooks(),
) -> ClipReport:
    """Restore an animation as a clip, its timing kept. The result is written as a whole, so all of it is in memory.

    Args:
        source: The file.
        target: The new one: .gif, .webp, .png or .tif.
        tools: Networks and settings; how clips are encoded is no matter.
        start: Frames that appear from here on are restored, in seconds.
        end: Frames that appear before this are restored; None: all to the last.
        hooks: Told of each stage.

    Raises:
        ImageError: The file cannot be read, has no frame in that time, or the target is of another kind.
    """
    if target.suffix.lower() not in _FORMATS:
        raise ImageError(f"{target.name}: an animation is written as {', '.join(_FORMATS)}")
    report, pictures, timing = ClipReport(), [], timing_of(source)
    first, last = _part_of(source, timing, start, end)
    timing = replace(timing, durations=timing.durations[first:last])
    frames = islice(_frames(source), first, last)
    results = restore_stream(
        frames, tools.model, tools.detector, tools.settings, tools.video, reference=tools.reference,
        parser=tools.parser, hooks=hooks, tools=tools.protect, total=len(timing.durations), threads=False,
    )  # fmt: skip
    for result in results:
        report.count(result)
        pictures.append(_as_picture(result.frame))
    report.size = (pictures[0].height, pictures[0].width)
    if _is_deep(source):
        report.note(f"{target.name} has 8 bits a color where {source.name} has 16.")
    with written_whole(target) as temporary:
        _save(pictures, timing, temporary)
    return report


def _part_of(source: Path, timing: Timing, start: float, end: float | None) -> tuple[int, int]:
    """The first frame that is restored, and the one after the last."""
    if not start and end is None:
        return 0, len(timing.durations)
    if _FORMATS[source.suffix.lower()] == "TIFF":
        raise ImageError(f"{source.name}: the pages of a TIFF file have no times. Leave out start and end.")
    begins = [sum(timing.durations[:number]) / 1000 for number in range(len(timing.durations))]
    inside = [number for number, at in enumerate(begins) if start <= at and (end is None or at < end)]
    if not inside:
        raise ImageError(f"{source.name}: there is no frame between {start} and {end or 'the end'} s")
    return inside[0], inside[-1] + 1


def timing_of(source: Path) -> Timing:
    """When the frames of an animation are shown."""
    with _opened(source) as picture:
        check_size(source.name, picture.size, MOST_MEGAPIXELS)
        durations = []
        for frame in ImageSequence.Iterator(picture):
            frame.load()  # only then some formats tell
            durations.append(float(frame.info.get("duration") or _USUAL))
        return Timing(tuple(durations), int(picture.info.get("loop", 0)))


def _is_deep(source: Path) -> bool:
    with _opened(source) as picture:
        return picture.mode.startswith("I;16")


def _frames(source: Path) -> Iterator[Tensor]:
    """[3 or 4, H, W] uint8 each: with alpha in all of them, or in none. Gray pages of 16 bits: [3, H, W] uint16."""
    try:
        with _opened(source) as picture:
            alpha = "A" in picture.mode or "transparency" in picture.info
            for frame in ImageSequence.Iterator(picture):
                if frame.mode.startswith("I;16"):
                    yield torch.from_numpy(np.asarray(frame).astype(np.uint16))[None].expand(3, -1, -1)
                    continue
                if frame.mode in ("I", "F"):
                    raise ImageError(f"{source.name}: its pages have 32 bits. Convert them to 8 or 16 bits.")
                array = np.asarray(frame.convert("RGBA" if alpha else "RGB"))
                yield torch.from_numpy(array.copy()).movedim(-1, 0).contiguous()
    except (UnidentifiedImageError, OSError, EOFError) as error:
        raise ImageError(f"{source.name}: cannot be read ({error})") from error


def _as_picture(frame: Tensor) -> Image.Image:
    array = frame.mul(255).round().clamp(0, 255).byte().movedim(0, -1).cpu().numpy()
    return Image.fromarray(array)


def _save(pictures: list[Image.Image], timing: Timing, path: Path) -> None:
    kind = _FORMATS[path.suffix.lower()]
    options: dict[str, Any] = {"save_all": True, "append_images": pictures[1:]}
    durations = [round(duration) for duration in timing.durations]
    if kind == "GIF":
        options |= {"duration": durations, "loop": timing.loop, "disposal": 2}
    elif kind == "WEBP":
        options |= {"duration": durations, "loop": timing.loop, "quality": 95, "method": 4}
    elif kind == "PNG":
        options |= {"duration": durations, "loop": timing.loop}
    else:
        options |= {"compression": "tiff_lzw"}
    pictures[0].save(path, kind, **options)

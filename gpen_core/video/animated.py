"""Moving pictures in picture files: animated GIF, WebP and PNG, and TIFF files of several pages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from ..errors import ImageError
from ..files import written_whole
from ..pipeline.clip import restore_stream
from ..pipeline.hooks import Hooks
from .files import WRITABLE_CLIPS
from .reel import FORMATS, Reel, opened
from .report import ClipReport
from .tools import ClipTools

ANIMATIONS = tuple(FORMATS)
FILMS = tuple(ending for ending in WRITABLE_CLIPS if ending not in ANIMATIONS)


def is_animation(path: Path) -> bool:
    """Whether a picture file holds several frames of one size."""
    if path.suffix.lower() not in ANIMATIONS:
        return False
    try:
        with opened(path) as picture:
            if getattr(picture, "n_frames", 1) < 2:
                return False
            first = picture.size
            picture.seek(1)  # a TIFF may have small copies of its picture as further pages
            return bool(picture.size == first)
    except Exception:  # a damaged file: whoever reads it says what is wrong
        return False


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
    if target.suffix.lower() not in FORMATS:
        raise ImageError(f"{target.name}: an animation is written as {', '.join(FORMATS)}")
    if source.suffix.lower() not in FORMATS:
        raise ImageError(
            f"{source.name}: a film does not become a {target.suffix} file. Name the result like a film ({', '.join(FILMS)})."
        )
    report, pictures = ClipReport(), list[Image.Image]()
    with opened(source) as picture:
        reel = Reel(source.name, picture, start, end)
        results = restore_stream(
            reel.frames(), tools.model, tools.detector, tools.settings, tools.video, reference=tools.reference,
            parser=tools.parser, hooks=hooks, tools=tools.protect, total=reel.total, threads=False,
        )  # fmt: skip
        for result in results:
            report.count(result)
            pictures.append(_as_picture(result.frame))
    if not pictures:
        raise ImageError(f"{source.name}: there is no frame between {start} and {end or 'the end'} s")
    report.size = (pictures[0].height, pictures[0].width)
    if reel.deep:
        report.note(f"{target.name} has 8 bits a color where {source.name} has 16.")
    if reel.icc and FORMATS[target.suffix.lower()] == "GIF":
        report.note(f"{target.name} cannot hold the color profile of {source.name}.")
    for what in _lost_timing(reel, FORMATS[target.suffix.lower()]):
        report.note(f"{target.name} {what}.")
    with written_whole(target) as temporary:
        _save(pictures, reel, temporary)
    return report


def _as_picture(frame: Tensor) -> Image.Image:
    array = frame.mul(255).round().clamp(0, 255).byte().movedim(0, -1).cpu().numpy()
    return Image.fromarray(array)


def _in_hundredths(durations: Sequence[float]) -> list[int]:
    """Milliseconds as a GIF has them, in tens; what is rounded off one frame is given to the next."""
    ends = [round(end / 10) for end in accumulate(durations)]
    return [10 * max(1, end - begin) for begin, end in pairwise([0, *ends])]


def _lost_timing(reel: Reel, kind: str) -> list[str]:
    """What a format cannot say of when frames are shown, as the end of a sentence about the file."""
    if kind == "TIFF":
        return [] if reel.has_no_times else ["cannot hold how long its frames are shown"]
    if kind == "GIF" and any(duration % 10 for duration in reel.durations):
        return ["counts in hundredths of a second: its frames' times were rounded to those"]
    return []


def _save(pictures: list[Image.Image], reel: Reel, path: Path) -> None:
    kind = FORMATS[path.suffix.lower()]
    options: dict[str, Any] = {"save_all": True, "append_images": pictures[1:]}
    timing: dict[str, Any] = {"duration": [round(duration) for duration in reel.durations], "loop": reel.plays}
    if kind == "GIF":
        options |= {"duration": _in_hundredths(reel.durations), "disposal": 2}
        if reel.plays != 1:  # saying nothing means once, and a number how often again
            options["loop"] = max(0, reel.plays - 1)
    elif kind == "WEBP":
        options |= {**timing, "quality": 95, "method": 4}
    elif kind == "PNG":
        options |= timing
    else:
        options |= {"compression": "tiff_lzw"}
    if reel.icc and kind != "GIF":
        options["icc_profile"] = reel.icc
    pictures[0].save(path, kind, **options)

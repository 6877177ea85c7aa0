"""Pictures that are the frames of one clip: read from files, written to files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ..errors import ImageError, OptionError
from ..geometry import size_of
from ..imaging.files import MOST_MEGAPIXELS, Picture, load_picture, save_picture
from ..pipeline.clip import restore_stream
from ..pipeline.clip.smooth import HISTORY
from ..pipeline.hooks import Hooks
from .report import ClipReport
from .tools import ClipTools

_NUMBERS = re.compile(r"(\d+)")


def in_order(paths: Iterable[Path]) -> list[Path]:
    """By name, numbers by their value: "shot 9.png" before "shot 10.png"."""

    def parts(path: Path) -> list[tuple[int, int | str]]:
        return [
            (0, int(part)) if part.isdecimal() else (1, part) for part in _NUMBERS.split(path.name.casefold()) if part
        ]

    return sorted(paths, key=lambda path: (str(path.parent), parts(path), path.name))


def restore_sequence(
    frames: Sequence[tuple[Path, Path | None]],
    tools: ClipTools,
    *,
    quality: int | None = None,
    max_megapixels: float = MOST_MEGAPIXELS,
    hooks: Hooks = Hooks(),
    canvas: tuple[int, int] | None = None,
) -> ClipReport:
    """Restore pictures as the frames of one clip, each into a file of its own.

    Profiles, texts and depth of each file are kept, as of a single picture. No more of them are in memory than the stages look
    ahead.

    Args:
        frames: Of each frame, in their order, the file and the one to write; None for a result that is there already. Such
            frames only tell what their neighbors are like.
        tools: Networks and settings; how clips are encoded is no matter.
        quality: Of JPEG and WebP files.
        max_megapixels: Larger files are refused.
        hooks: Told of each stage, from several threads.
        canvas: (height, width) of the results that are there already, which the others get, too; None: by the settings.

    Returns:
        What became of it; ``notes`` says what a file could not hold.

    Raises:
        ImageError: A file cannot be read or written, or has another size than the one before.
        OptionError: There is nothing to write.
    """
    wanted = [place for place, (_, target) in enumerate(frames) if target is not None]
    if not wanted:
        raise OptionError("no frame of the sequence is left to restore")
    used = frames[max(0, wanted[0] - HISTORY) : wanted[-1] + HISTORY]  # the others tell what the face was like
    known: dict[int, Picture] = {}
    report = ClipReport()
    results = restore_stream(
        _pixels([source for source, _ in used], known, max_megapixels), tools.model, tools.detector, tools.settings,
        tools.video, reference=tools.reference, parser=tools.parser, hooks=hooks, tools=tools.protect, total=len(used),
        canvas=canvas,
    )  # fmt: skip
    with closing(results):
        for result in results:
            picture, target = known.pop(result.number), used[result.number][1]
            if target is None:
                continue
            whole = _in_color(picture) if tools.model.task.gives_color and result.faces else picture
            target.parent.mkdir(parents=True, exist_ok=True)
            for what in save_picture(whole.restored(result.frame, result.mask), target, quality):
                report.note(f"{target.suffix} files cannot hold {what}.")
            report.size = size_of(result.frame)
            report.count(result)
    return report


def _pixels(sources: Sequence[Path], known: dict[int, Picture], max_megapixels: float) -> Iterator[Tensor]:
    """What the stages see of each file; what else it knew waits until the frame comes back."""
    first: tuple[int, ...] | None = None
    for number, source in enumerate(sources):
        picture = load_picture(source, max_megapixels=max_megapixels)
        seen = picture.seen()
        first = first or tuple(seen.shape)
        if tuple(seen.shape) != first:
            raise ImageError(
                f"{source}: {_described(seen.shape)}, but {sources[0].name} is {_described(first)}. The frames of a clip "
                "have one size: move other images elsewhere."
            )
        known[number] = picture
        yield seen


def _described(shape: Sequence[int]) -> str:
    return f"{shape[2]}×{shape[1]} px{' with transparency' if shape[0] > 3 else ''}"


def _in_color(picture: Picture) -> Picture:
    """What is known of a picture that becomes one in color: a grayscale file's profile does not apply to it."""
    return replace(picture.in_srgb(), gray=False) if picture.gray else picture

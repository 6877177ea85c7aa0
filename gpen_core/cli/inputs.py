"""Which images to read, and where each result goes."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ..errors import ImageError
from ..imaging.files import IMAGE_EXTENSIONS, WRITABLE


@dataclass(frozen=True)
class Job:
    """One image to restore."""

    source: Path
    target: Path


def find_pictures(inputs: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Expand files, folders (not recursive) and glob patterns.

    Returns:
        The files, each once, in the order given; and the inputs that match nothing, since a typo must neither look like
        a finished job nor stop the others.

    Raises:
        ImageError: No input matches an image.
    """
    expanded = {text: list(_expand(text)) for text in inputs}
    unfound = [text for text, files in expanded.items() if not files]
    found = dict.fromkeys(file for files in expanded.values() for file in files)
    if not found:
        names = ", ".join(f"'{text}'" for text in unfound)
        raise ImageError(f"{names}: no image found. Supported: {', '.join(IMAGE_EXTENSIONS)}.")
    return list(found), unfound


def plan(pictures: Sequence[Path], output: Path) -> list[Job]:
    """Where each result goes: ``output`` itself if it is named like an image, otherwise a file of the same name in it.

    Raises ImageError if results would overwrite each other or their source.
    """
    if output.suffix.lower() in Image.registered_extensions() and not output.is_dir():
        if output.suffix.lower() not in WRITABLE:
            raise ImageError(f"'{output}': cannot write '{output.suffix}' files. Choose one of {', '.join(WRITABLE)}.")
        if len(pictures) > 1:
            raise ImageError(f"'{output}' is one file, but there are {len(pictures)} images. Give a folder with -o.")
        jobs = [Job(pictures[0], output)]
    else:
        jobs = [Job(picture, output / _writable_name(picture)) for picture in pictures]
    seen: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        if target == job.source.resolve() or (target.exists() and target.samefile(job.source)):
            raise ImageError(f"'{job.target}' is the input itself. Choose another output.")
        if target in seen:
            raise ImageError(
                f"'{seen[target]}' and '{job.source}' would both be written to '{job.target}'. Restore them separately."
            )
        seen[target] = job.source
    return jobs


def _expand(text: str) -> Iterable[Path]:
    path = Path(text).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_EXTENSIONS and file.is_file())
    matches = map(Path, glob.glob(str(path), recursive=True))  # noqa: PTH207 - patterns may be absolute
    return sorted(file for file in matches if file.suffix.lower() in IMAGE_EXTENSIONS and file.is_file())


def _writable_name(picture: Path) -> str:
    return picture.name if picture.suffix.lower() in WRITABLE else f"{picture.stem}.png"

"""The pictures to evaluate with: folders of aligned faces, and what was wrong with some of their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor

from ...errors import ImageError, OptionError
from ...imaging.files import IMAGE_EXTENSIONS, load_picture

_SHOWN = 3
_EXTENSIONS = tuple(ending for ending in IMAGE_EXTENSIONS if ending != ".gif")  # 256 colors are no ground truth


@dataclass(frozen=True, eq=False)
class NamedFace:
    """``pixels``: [3, H, H] RGB in [0, 1], of any size."""

    name: str
    pixels: Tensor


class Faces(Protocol):
    """So many faces, which can be gone through again and again."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[NamedFace]: ...


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class FaceFiles:
    """Faces on disk, read again on every pass over them. ``gray`` and ``smallest`` (side in pixels) describe what
    was found; ``skipped`` could not be used."""

    root: Path
    names: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()
    gray: int = 0
    smallest: int = 0

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[NamedFace]:
        return (NamedFace(name, load_picture(self.root / name).pixels[:3]) for name in self.names)


def open_faces(
    root: Path, *, names: Sequence[str] | None = None, limit: int = 0, seed: int = 0, square: bool = True
) -> FaceFiles:
    """Choose and check the faces below ``root``: those of ``names`` (relative to it) or all; of these ``limit``, drawn by
    ``seed``, 0 for all. Every file is read once: what cannot be used is skipped, and counted in the result; where
    ``square``, so is what cannot be an aligned face.

    Raises OptionError for a folder without pictures or names that are not in it, ImageError where no picture is usable.
    """
    chosen = drawn(_listed(root, names) if names is not None else picture_names(root), limit, seed)
    good: list[str] = []
    skipped: list[Skipped] = []
    sides: list[int] = []
    gray = 0
    for name in chosen:
        try:
            picture = load_picture(root / name)
            sides.append(_side(name, picture.pixels, square))
            gray += picture.gray
            good.append(name)
        except ImageError as error:
            skipped.append(Skipped(name, str(error)))
    if not good:
        raise ImageError(f"{root}: none of {len(chosen)} pictures can be used. {skipped[0].reason}")
    return FaceFiles(root, tuple(good), tuple(skipped), gray, min(sides))


def picture_names(root: Path) -> list[str]:
    """Every picture below a folder but GIFs, relative to it, in order. Raises OptionError where there is none."""
    if not root.is_dir():
        raise OptionError(f"{root}: no such folder. Give a folder of aligned, square faces.")
    paths = (path for path in root.rglob("*") if path.suffix.lower() in _EXTENSIONS and path.is_file())
    names = sorted(path.relative_to(root).as_posix() for path in paths)
    if not names:
        raise OptionError(f"{root}: no pictures ({', '.join(_EXTENSIONS)}) in this folder or below it")
    return names


def read_list(path: Path) -> tuple[str, ...]:
    """Names in a text file, one a line; empty lines count for nothing. Raises OptionError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: cannot be read as a list of names ({error})") from error
    names = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not names:
        raise OptionError(f"{path}: an empty list. Give names relative to the folder, one a line.")
    return names


def drawn(names: list[str], limit: int, seed: int) -> list[str]:
    """``limit`` of the names, in their order; all where it is 0. Raises OptionError for a negative one."""
    if limit < 0:
        raise OptionError(f"limit is a number of faces, 0 for all, not {limit}")
    if not limit or limit >= len(names):
        return names
    rows = np.random.default_rng(seed).permutation(len(names))[:limit]
    return [names[row] for row in sorted(rows)]


def some(items: Iterable[str]) -> str:
    """The first few of many, for a message."""
    every = list(items)
    return ", ".join(every[:_SHOWN]) + (f" … ({len(every)} in all)" if len(every) > _SHOWN else "")


def _listed(root: Path, names: Sequence[str]) -> list[str]:
    present = set(picture_names(root))
    lost = [name for name in names if name not in present]
    if lost:
        raise OptionError(f"{root} has no picture {some(lost)}: names are relative to the folder, with '/' between")
    return sorted(set(names))


def _side(name: str, pixels: Tensor, square: bool) -> int:
    height, width = pixels.shape[1:]
    if square and height != width:
        raise ImageError(f"{Path(name).name}: not square ({width}×{height}). Align and crop the face first.")
    return min(height, width)

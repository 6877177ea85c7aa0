"""A folder of aligned faces to train on."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ...errors import ImageError, OptionError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
MANIFEST = "manifest.json"
_SHOWN = 3


@dataclass(frozen=True)
class FaceFolder:
    """Pictures fit to train on, by name, and how many were not and why."""

    root: Path
    names: tuple[str, ...]
    left_out: tuple[str, ...]  # "name: reason"
    gray: int  # of ``names``, as their headers say; they are used as three equal channels
    parts: tuple[str, ...] = ("",)  # folders below ``root`` that it was joined of, "" for itself

    def part_of(self, name: str) -> str:
        """The one of ``parts`` that a picture is in."""
        return next((part for part in self.parts if part and name.startswith(f"{part}/")), "")

    def report(self) -> str:
        lines = [f"{self.root}: {len(self.names)} pictures"]
        if self.left_out:
            lines.append(f"  {len(self.left_out)} left out: {_some(self.left_out)}")
        return "\n".join(lines)


def scan(root: Path, smallest: int) -> FaceFolder:
    """Look at the header of every picture below ``root``: square, at least ``smallest`` px, readable. Files whose names
    begin with a dot are not looked at.

    Raises OptionError where none is left, with the reasons.
    """
    if not root.is_dir():
        raise OptionError(f"{root}: no such folder. Give a folder of aligned, square faces.")
    paths = sorted(path for path in root.rglob("*") if _is_picture(path))
    if not paths:
        raise OptionError(f"{root}: no pictures ({', '.join(SUFFIXES)}) in this folder or below it")
    names, left_out, gray = [], [], 0
    for path in paths:
        name = path.relative_to(root).as_posix()
        reason, is_gray = _look(path, smallest)
        if reason:
            left_out.append(f"{name}: {reason}")
        else:
            names.append(name)
            gray += is_gray
    if not names:
        raise OptionError(f"{root}: none of {len(paths)} pictures can be used: {_some(left_out)}")
    return FaceFolder(root, tuple(names), tuple(left_out), gray)


def scan_all(roots: Sequence[Path], smallest: int) -> FaceFolder:
    """``scan`` several folders, as one: names are relative to ``common_root``. Raises OptionError, also for a folder inside
    another."""
    if len(roots) == 1:
        return scan(roots[0], smallest)
    root = common_root(roots)
    for one in roots:
        if any(one is not other and one.resolve().is_relative_to(other.resolve()) for other in roots):
            raise OptionError(f"{one} is given twice, or is inside another folder given: its faces would count twice")
    parts = [part.resolve().relative_to(root).as_posix() for part in roots]
    folders = [scan(one, smallest) for one in roots]
    return FaceFolder(
        root,
        tuple(f"{part}/{name}" for part, folder in zip(parts, folders) for name in folder.names),
        tuple(f"{part}/{name}" for part, folder in zip(parts, folders) for name in folder.left_out),
        sum(folder.gray for folder in folders),
        tuple(parts),
    )


def common_root(roots: Sequence[Path]) -> Path:
    """The folder itself where there is one; of several, the innermost that all of them lie in."""
    if len(roots) == 1:
        return roots[0]
    return Path(os.path.commonpath([root.resolve() for root in roots]))


def read_face(path: Path, size: int) -> NDArray[np.float32]:
    """→ [size, size, 3] RGB in [0, 1], upright as its EXIF says; larger pictures are shrunk by area. Raises ImageError for a
    damaged file."""
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (size, size))  # lets JPEG decode at half size where that is enough
            ImageOps.exif_transpose(picture, in_place=True)
            return shrunk(_rgb(picture), size)
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises almost anything for damaged files
        raise ImageError(f"{path}: cannot be read ({error})") from error


def _rgb(picture: Image.Image) -> NDArray[np.float32]:
    if picture.mode.startswith("I"):  # 16 bits of gray, which Pillow would cut off at 255
        return np.repeat(np.asarray(picture, np.float32)[:, :, None] / np.float32(65535), 3, axis=2)
    return np.asarray(picture.convert("RGB"), np.float32) / np.float32(255)


def shrunk(face: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """[S, S, 3] → [size, size, 3]: the mean of the area each pixel covers."""
    if face.shape[0] == size:
        return face
    import cv2

    small: NDArray[np.float32] = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)
    return small


def groups_of(folder: FaceFolder, key: str) -> list[str]:
    """The group of every picture: what the folder's manifest.json says under ``key``; its own name where ``key`` is "".

    The manifest is a list of tables with "file" and ``key``. Of folders that were joined, those without a manifest have
    groups of one picture each. Raises OptionError where a picture has no group.
    """
    if not key:
        return list(folder.names)
    known: dict[str, str] = {}
    for part in folder.parts:
        path = folder.root / part / MANIFEST
        prefix = f"{part}/" if part else ""
        if part and not path.is_file():
            known |= {name: name for name in folder.names if name.startswith(prefix)}
        else:
            known |= {prefix + name: prefix + group for name, group in _manifest(path, key).items()}
    lost = [name for name in folder.names if name not in known]
    if lost:
        manifest = folder.root / folder.part_of(lost[0]) / MANIFEST
        raise OptionError(f"{manifest} does not name {_some(lost)}: without a group they cannot be held out safely")
    return [known[name] for name in folder.names]


def _manifest(path: Path, key: str) -> dict[str, str]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {entry["file"]: str(entry[key]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"{path}: no list of tables with 'file' and '{key}' can be read from it ({error!r}). "
            'Set data.group_by to "" to split by picture.'
        ) from error


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _look(path: Path, smallest: int) -> tuple[str, bool]:
    try:
        with Image.open(path) as picture:
            (width, height), mode = picture.size, picture.mode
    except Exception as error:  # as in read_face
        return f"unreadable ({error})", False
    if width != height:
        return f"not square ({width}×{height}): align and crop the face first", False
    if width < smallest:
        return f"too small ({width} px, {smallest} needed)", False
    if mode == "F":
        return "not of 8 or 16 bits (floating point)", False
    return "", mode in ("1", "L", "LA") or mode.startswith("I")


def _some(items: Sequence[str]) -> str:
    counted = Counter(item.split(": ", 1)[-1].split(" (")[0] for item in items)
    summary = (
        ", ".join(f"{count} {reason}" for reason, count in counted.most_common(_SHOWN)) if len(items) > _SHOWN else ""
    )
    return "; ".join(items[:_SHOWN]) + (f" … ({summary})" if summary else "")

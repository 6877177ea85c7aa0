"""Which pictures train and which are held out, so that none of the second resembles one of the first."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import ImageError
from ...threads import side_by_side
from .folder import FaceFolder, groups_of, read_face

THUMBNAIL = 16
ALIKE = 0.9  # correlation of thumbnails; measured on 1,849 aligned faces: above it the same picture, cropped or lit differently
_AT_ONCE = 1024  # rows compared
_COLORLESS = 0.02  # the most that channels in [0, 1] differ by in a gray JPEG


@dataclass(frozen=True)
class Split:
    """``dropped``: neither trained on nor held out, since they are near-duplicates of held-out pictures. ``unreadable``:
    found damaged while looking for those. ``gray``: how many of all pictures have no colors."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    gray: int = 0

    @property
    def fingerprint(self) -> str:
        """The same for the same pictures, by name, in the same parts."""
        return hashlib.sha256("\0".join((*self.train, "", *self.held_out)).encode()).hexdigest()


def split(folder: FaceFolder, share: float, group_by: str, seed: int) -> Split:
    """Whole groups, drawn by ``seed``, until ``share`` of the pictures is held out; then the near-duplicates of those
    leave the training pictures, and so does what cannot be read. Looks at every picture, unless ``share`` is 0."""
    if share == 0:
        return Split(folder.names, (), gray=folder.gray)
    groups = groups_of(folder, group_by)
    chosen = _chosen_of_parts(folder, groups, share, seed)
    thumbnails = _thumbnails(folder)
    rows, readable = _normalized(thumbnails), ~np.isnan(thumbnails[:, 0])
    inside = np.array([group in chosen for group in groups])
    held_out, rest = np.flatnonzero(inside & readable), np.flatnonzero(~inside & readable)
    alike = _alike(rows[rest], rows[held_out])
    return Split(
        _named(folder, rest[~alike]),
        _named(folder, held_out),
        _named(folder, rest[alike]),
        _named(folder, np.flatnonzero(~readable)),
        int((np.ptp(thumbnails.reshape(len(rows), -1, 3), axis=2).max(1) < _COLORLESS).sum()),
    )


def _chosen_of_parts(folder: FaceFolder, groups: Sequence[str], share: float, seed: int) -> set[str]:
    """Of each folder by itself, so that what is held out of one does not change with what it is joined to."""
    parts = [folder.part_of(name) for name in folder.names]
    chosen: set[str] = set()
    for part in folder.parts:
        chosen |= _chosen([group for group, own in zip(groups, parts) if own == part], share, seed)
    return chosen


def _chosen(groups: Sequence[str], share: float, seed: int) -> set[str]:
    counts, chosen, count = Counter(groups), set(), 0
    for group in np.random.default_rng(seed).permutation(sorted(counts)):
        if count >= share * len(groups):
            break
        chosen.add(str(group))
        count += counts[str(group)]
    return chosen


def _named(folder: FaceFolder, indices: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(folder.names[index] for index in indices)


def _thumbnails(folder: FaceFolder) -> NDArray[np.float32]:
    """[N, features]: tiny pictures in [0, 1]; NaN where one cannot be read."""
    pictures = np.full((len(folder.names), THUMBNAIL * THUMBNAIL * 3), np.nan, np.float32)

    def read(index: int) -> None:
        with suppress(ImageError):
            pictures[index] = read_face(folder.root / folder.names[index], THUMBNAIL).ravel()

    side_by_side(read, range(len(pictures)))
    return pictures


def _normalized(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each without its mean, and of length 1."""
    rows = rows - rows.mean(1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-8)


def _alike(rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mirrored pictures are alike, too."""
    mirrored = others.reshape(-1, THUMBNAIL, THUMBNAIL, 3)[:, :, ::-1].reshape(others.shape)
    near = np.zeros(len(rows), bool)
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        likeness = np.maximum(some @ others.T, some @ mirrored.T).max(1, initial=-1.0)
        near[start : start + _AT_ONCE] = likeness > ALIKE
    return near

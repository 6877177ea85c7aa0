"""Which pictures train and which are held out, so that none of the second resembles one of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .folder import FaceFolder, groups_of, read_face

THUMBNAIL = 16
ALIKE = 0.9  # correlation of thumbnails; measured on 1,849 aligned faces: above it the same picture, cut or lit anew


@dataclass(frozen=True)
class Split:
    """``dropped``: neither trained on nor held out, since they are near-duplicates of held-out pictures."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]
    dropped: tuple[str, ...]


def split(folder: FaceFolder, share: float, group_by: str, seed: int) -> Split:
    """Whole groups, drawn by ``seed``, until ``share`` of the pictures is held out; then the near-duplicates of those
    leave the training pictures."""
    if share == 0:
        return Split(folder.names, (), ())
    groups = groups_of(folder, group_by)
    wanted, chosen, count = share * len(groups), set(), 0
    order = np.random.default_rng(seed).permutation(sorted(set(groups)))
    for group in order:
        if count >= wanted:
            break
        chosen.add(str(group))
        count += groups.count(str(group))
    held_out = [name for name, group in zip(folder.names, groups) if group in chosen]
    rest = [name for name, group in zip(folder.names, groups) if group not in chosen]
    alike = _alike(_thumbnails(folder, rest), _thumbnails(folder, held_out))
    train = [name for name, near in zip(rest, alike) if not near]
    dropped = [name for name, near in zip(rest, alike) if near]
    return Split(tuple(train), tuple(held_out), tuple(dropped))


def _thumbnails(folder: FaceFolder, names: Sequence[str]) -> NDArray[np.float32]:
    """[N, features]: tiny pictures without mean, of length 1. A picture that cannot be read is like no other."""
    rows = np.zeros((len(names), THUMBNAIL * THUMBNAIL * 3), np.float32)
    for row, name in zip(rows, names):
        try:
            row[:] = read_face(folder.root / name, THUMBNAIL).ravel()
        except (OSError, ValueError):
            continue
    rows -= rows.mean(1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-8)


def _alike(rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mirrored pictures are alike, too."""
    mirrored = others.reshape(-1, THUMBNAIL, THUMBNAIL, 3)[:, :, ::-1].reshape(others.shape)
    near: NDArray[np.bool_] = np.maximum(rows @ others.T, rows @ mirrored.T).max(1, initial=-1.0) > ALIKE
    return near

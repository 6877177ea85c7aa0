"""Colors under clear pixels, which nobody sees: they must cost nothing, bleed into nothing, and not be there to be found."""

from __future__ import annotations

import numpy as np

_GRAY = 128
_BLOCK = 16  # pixels, which an encoder with loss compresses together


def without_unseen(pixels: np.ndarray) -> np.ndarray:
    """[h, W, 4] RGBA uint8 → [h, W, 3], in which clear pixels have the mean of those of their block that are seen.

    A block in which nothing is seen has the mean of the nearest one in its row in which something is, or else of one above or
    below; gray where there is none.
    """
    height, width, _ = pixels.shape
    hidden = pixels[..., 3] == 0
    colors = np.ascontiguousarray(pixels[..., :3])
    if not hidden.any():
        return colors
    size = -(-height // _BLOCK), -(-width // _BLOCK)
    counts = _sums(~hidden[..., None], size)[..., 0]
    if not counts.any():
        return np.full_like(colors, _GRAY)
    means = _sums(np.where(hidden[..., None], 0, colors), size) / np.maximum(counts, 1)[..., None]
    rows = _nearest((counts > 0).any(axis=1, keepdims=True).T)[0]
    columns = _nearest(counts > 0)[rows]
    spread = (
        means[rows[:, None], columns].round().astype(np.uint8).repeat(_BLOCK, 0)[:height].repeat(_BLOCK, 1)[:, :width]
    )
    return np.where(hidden[..., None], spread, colors)


def _nearest(there: np.ndarray) -> np.ndarray:
    """[h, W] → of each place the column of the last one to the left that is there, else of the first; 0 where none is."""
    columns = np.arange(there.shape[1])[None]
    last = np.maximum.accumulate(np.where(there, columns, -1), axis=1)
    return np.where(last < 0, there.argmax(1)[:, None], last)


def _sums(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[h, W, C] → the sums over blocks, [rows of blocks, blocks, C]."""
    rows = np.add.reduceat(values.astype(np.int32), np.arange(size[0]) * _BLOCK, axis=0)
    return np.add.reduceat(rows, np.arange(size[1]) * _BLOCK, axis=1)

"""Rank correlation: whether one figure rises wherever another does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's ρ, equal values sharing their mean rank; None where there are fewer than two pairs, or all are equal."""
    ranks = [_ranks(np.asarray(values, np.float64)) for values in (first, second)]
    if len(ranks[0]) < 2 or any(np.ptp(each) == 0 for each in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means = last - (counts - 1) / 2
    ranks: NDArray[np.float64] = means[inverse]
    return ranks

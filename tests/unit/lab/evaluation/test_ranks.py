"""Spearman's rank correlation, against SciPy's."""

import numpy as np
import pytest

from gpen_core.lab.evaluation.ranks import rank_correlation


@pytest.mark.parametrize("seed", range(5))
def test_it_is_scipys_also_with_ties(seed):
    stats = pytest.importorskip("scipy.stats", reason="SciPy is the reference: pip install scipy")
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 6, 40), random.normal(size=40).round(1)
    assert rank_correlation(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)


def test_where_nothing_can_rise_there_is_no_correlation():
    assert rank_correlation([1, 1, 1], [1, 2, 3]) is None and rank_correlation([1], [2]) is None

"""Maximum statistics, pooled false discovery rates and areas: by hand, against other libraries, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control
from sklearn.metrics import roc_auc_score

from mechinterp import stats


def test_the_maximum_of_each_draw_is_what_every_test_must_reach():
    draws = np.array([[1.0, 5], [2, 0], [3, 1]])  # maxima 5, 2 and 3
    p = stats.maximum_statistic(np.array([6.0, 3, 2.5, 0])[:2], draws)
    assert p == pytest.approx([1 / 4, 3 / 4])
    assert stats.maximum_statistic(np.array([2.5, 0]), draws) == pytest.approx([3 / 4, 1])


def test_ties_count_against_the_test_even_where_rounding_hides_them():
    draws = np.array([[0.1 + 0.2], [0.0]])
    assert stats.maximum_statistic(np.array([0.3]), draws) == pytest.approx([2 / 3])
    assert stats.pooled_false_discovery(np.array([0.3]), draws) == pytest.approx([2 / 3])


def test_the_maximum_statistic_controls_the_family_wise_error_whatever_the_dependence():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        shared = rng.normal(size=(20, 1))
        every = np.abs(shared + rng.normal(size=(20, 30)))  # 19 draws and the observed one, exchangeable
        hits += stats.maximum_statistic(every[0], every[1:]).min() <= 0.05
    assert hits / 400 == pytest.approx(0.05, abs=0.03)


def test_pooled_ranks_are_adjusted_by_benjamini_and_hochberg():
    rng = np.random.default_rng(1)
    own, draws = np.abs(rng.normal(1, 1, 12)), np.abs(rng.normal(size=(20, 12)))
    p = [(1 + (draws >= value).sum()) / (1 + draws.size) for value in own]
    assert stats.pooled_false_discovery(own, draws) == pytest.approx(false_discovery_control(p))


@pytest.mark.parametrize("function", [stats.maximum_statistic, stats.pooled_false_discovery])
def test_statistics_that_do_not_fit_are_refused(function):
    with pytest.raises(stats.StatsError, match="2 tests a draw, but 3 were observed"):
        function(np.ones(3), np.ones((4, 2)))
    with pytest.raises(stats.StatsError, match="not finite"):
        function(np.array([np.nan]), np.ones((4, 1)))


def test_areas_are_scikit_learns_column_by_column_with_ties():
    rng = np.random.default_rng(2)
    high, low = rng.integers(0, 6, (15, 4)).astype(float), rng.integers(0, 5, (9, 4)).astype(float)
    labels = np.repeat([1, 0], [15, 9])
    expected = [roc_auc_score(labels, np.r_[high[:, c], low[:, c]]) for c in range(4)]
    assert stats.areas(high, low) == pytest.approx(expected)
    with pytest.raises(stats.StatsError, match="4 columns of positives, 3 of negatives"):
        stats.areas(high, low[:, :3])

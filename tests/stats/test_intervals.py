"""Means, differences, ratios and other statistics against scipy, statsmodels and hand-made answers."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from mechinterp import stats
from mechinterp.stats import StatsError, TooFewSamples, UndefinedRatio
from mechinterp.stats.resampling import bca, counts, spread


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def skewed(n: int, seed: int = 0) -> np.ndarray:
    return generator(seed).exponential(size=n)


def mean_of(values: np.ndarray, seed: int = 1, **options: object) -> stats.Estimate:
    return stats.mean(values, name="x", unit="levels", rng=generator(seed), **options)  # pyright: ignore[reportArgumentType]


# ------------------------------------------------------------------------------------------------ the interval


def test_bca_is_scipys_for_the_same_resamples() -> None:
    values = skewed(40)
    theirs = scipy_stats.bootstrap((values,), np.mean, method="BCa", n_resamples=999, rng=generator(3))
    ours = bca(values.mean(), theirs.bootstrap_distribution, [values - values.mean()], tail=0.025)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), rel=1e-12)


def test_bca_of_two_samples_is_scipys_for_the_same_resamples() -> None:
    first, second = skewed(40), 2 * skewed(25, 5)

    def difference(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return a.mean(axis) - b.mean(axis)

    theirs = scipy_stats.bootstrap((first, second), difference, method="BCa", n_resamples=999, rng=generator(3))
    influences = [first - first.mean(), second.mean() - second]
    ours = bca(first.mean() - second.mean(), theirs.bootstrap_distribution, influences, tail=0.025)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), rel=1e-12)


def test_mean_of_many_agrees_with_scipys_bca() -> None:
    values = skewed(2000)
    ours = mean_of(values, resamples=9999)
    theirs = scipy_stats.bootstrap((values,), np.mean, method="BCa", n_resamples=9999, rng=generator())
    assert ours.value == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.1 * ours.half_width)


def test_few_clusters_get_students_t() -> None:
    seeds = np.array([5.1, 6.0, 7.2, 5.5, 6.9])
    estimate = mean_of(seeds)
    theirs = scipy_stats.ttest_1samp(seeds, 0).confidence_interval()
    assert (estimate.low, estimate.high) == pytest.approx((theirs.low, theirs.high))
    assert estimate.method.startswith("t, 4 degrees")


def test_two_small_samples_get_welchs_t() -> None:
    first, second = np.array([1.0, 2.0, 4.0, 3.5]), np.array([9.0, 5.0, 7.5, 8.0, 4.0, 7.0])
    ours = stats.difference(first, second, name="d", unit="seeds", rng=generator())
    theirs = scipy_stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.n == 10
    assert ours.method.endswith("4 and 6 seeds")


def test_spread_with_clusters_is_the_cluster_robust_error_of_statsmodels() -> None:
    from statsmodels.api import OLS

    rng = generator()
    clusters = rng.integers(0, 30, 400)
    values = rng.normal(size=30)[clusters] + rng.normal(size=400)
    fit = OLS(values, np.ones(400)).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    sums, rows = np.bincount(clusters, values), np.bincount(clusters)
    error, _ = spread([30 * (sums - values.mean() * rows) / 400])
    # theirs has the further factor (N - 1) / (N - k) of Stata, with k = 1
    assert error == pytest.approx(float(fit.bse[0]), rel=1e-9)


def test_clusters_widen_the_interval_as_the_cluster_robust_error_says() -> None:
    rng = generator()
    clusters = np.repeat(np.arange(60), 20)
    values = rng.normal(size=60)[clusters] + 0.3 * rng.normal(size=1200)
    by_level, by_frame = mean_of(values, clusters=clusters), mean_of(values)
    assert by_level.n == 60
    assert by_frame.n == 1200
    level_means = values.reshape(60, 20).mean(1)
    assert by_level.half_width == pytest.approx(2 * level_means.std(ddof=1) / 60**0.5, rel=0.08)
    assert by_level.half_width > 3 * by_frame.half_width


def test_cluster_labels_may_be_anything_in_any_order() -> None:
    values = skewed(60)
    labels = np.repeat(np.arange(20), 3)
    order = generator(5).permutation(60)
    names = np.array([f"level {label:02d}" for label in labels])
    assert mean_of(values, clusters=labels) == mean_of(values, clusters=names)
    shuffled = mean_of(values[order], clusters=labels[order])
    assert (shuffled.low, shuffled.high) == pytest.approx(
        (mean_of(values, clusters=labels).low, mean_of(values, clusters=labels).high)
    )


def test_rows_that_are_repeated_within_clusters_add_nothing() -> None:
    values = skewed(50)
    once, often = mean_of(values), mean_of(np.repeat(values, 7), clusters=np.repeat(np.arange(50), 7))
    assert (once.value, once.low, once.high, once.n) == pytest.approx((often.value, often.low, often.high, often.n))


def test_same_generator_same_interval_and_another_one_differs() -> None:
    values = skewed(50)
    assert mean_of(values, 7) == mean_of(values, 7)
    assert mean_of(values, 7) != mean_of(values, 8)


def test_counts_add_up_and_are_uniform_also_in_chunks() -> None:
    drawn = np.concatenate(list(counts(3000, 3000, generator())))  # more than fits in one chunk
    assert drawn.shape == (3000, 3000)
    assert (drawn.sum(1) == 3000).all()
    assert drawn.var() == pytest.approx(1 - 1 / 3000, rel=0.01)  # binomial(3000, 1 / 3000)
    assert abs(np.corrcoef(drawn[:, :2].T)[0, 1]) < 0.1


def test_means_of_columns_are_the_means_one_by_one() -> None:
    table = generator().exponential(size=(40, 3))
    together = stats.means(table, names=["a", "b", "c"], unit="levels", rng=generator(1))
    for column, estimate in enumerate(together):
        alone = stats.mean(table[:, column], name="abc"[column], unit="levels", rng=generator(1))
        assert estimate == alone
    with pytest.raises(StatsError, match="3 columns need as many names, got 2"):
        stats.means(table, names=["a", "b"], unit="levels", rng=generator())


@pytest.mark.slow
def test_two_thousand_resamples_of_five_hundred_clusters_are_fast() -> None:
    values, times = skewed(500), []
    for _ in range(5):
        start = time.perf_counter()
        mean_of(values)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.25  # about 0.02 on an idle core


# ------------------------------------------------------------------------------------------------ degenerate data


def test_all_values_equal_without_bounds_is_a_point_that_says_so() -> None:
    estimate = mean_of(np.full(500, 0.1))
    assert (estimate.low, estimate.value, estimate.high) == pytest.approx((0.1, 0.1, 0.1))
    assert estimate.method == "all clusters equal"


def test_all_values_equal_with_bounds_is_clopper_pearson() -> None:
    estimate = mean_of(np.full(20, 10.0), bounds=(0, 10))
    exact = scipy_stats.binomtest(20, 20).proportion_ci(method="exact")
    assert estimate.low == pytest.approx(10 * exact.low, abs=0.01)
    assert estimate.high == 10
    centre = mean_of(np.full(20, 5.0), bounds=(0, 10))
    assert centre.low < 5 < centre.high


def test_bounds_of_zeros_and_ones_are_clopper_and_pearsons() -> None:
    for hits in (1, 7, 19):
        ours = mean_of(np.arange(20) < hits, bounds=(0, 1), resamples=40_000)
        exact = scipy_stats.binomtest(hits, 20).proportion_ci(method="exact")
        assert (ours.low, ours.high) == pytest.approx((exact.low, exact.high), abs=0.01)


def test_bounds_that_are_far_away_matter_less_with_more_levels() -> None:
    values = generator().uniform(0.4, 0.6, 1000)
    few, many = mean_of(values[:20], bounds=(0, 1)), mean_of(values, bounds=(0, 1))
    assert few.high - few.value > 0.09  # a 21st level could have shown 1
    assert many.half_width == pytest.approx(mean_of(values).half_width, rel=0.15)


def test_perfect_is_not_less_certain_than_almost_perfect() -> None:
    """One error among 200 must not leave a shorter interval than none."""
    labels, scores = np.repeat([0, 1], 100), np.arange(200.0)
    scores[[99, 100]] = scores[[100, 99]]
    options = {"name": "a", "unit": "levels"}
    almost = stats.auroc(scores, labels, rng=generator(), **options)
    perfect = stats.auroc(np.arange(200.0), labels, rng=generator(), **options)
    assert almost.value == pytest.approx(1 - 1e-4)
    assert almost.low < perfect.low < 1
    right = np.ones(100)
    right[0] = 0.99
    assert mean_of(right, bounds=(0, 1)).low < mean_of(np.ones(100), bounds=(0, 1)).low


def test_perfect_separation_is_no_certainty() -> None:
    scores, labels = np.r_[np.arange(42.0), np.arange(100.0, 142)], np.repeat([0, 1], 42)
    levels = np.tile(np.arange(42), 2)
    area = stats.auroc(scores, labels, name="a", unit="levels", rng=generator(1), clusters=levels)
    assert (area.value, area.high) == (1, 1)
    assert area.low == pytest.approx(0.025 ** (2 / 42), abs=0.002)
    other = stats.auroc(-scores, labels, name="a", unit="levels", rng=generator(1), clusters=levels)
    assert (other.low, other.value, other.high) == (0, 0, pytest.approx(1 - 0.025 ** (2 / 42), abs=0.002))


def test_interval_stays_within_bounds() -> None:
    estimate = mean_of(np.array([10.0, 10.0, 10.0, 10.0, 0.0]), bounds=(0, 10))
    assert estimate.high == pytest.approx(9.95, abs=0.03)  # Clopper & Pearson
    assert mean_of(np.array([10.0, 10.0, 10.0, 10.0, 0.0])).high > 10
    with pytest.raises(StatsError, match=r"values run from 0 to 10, outside the bounds \(0, 9\)"):
        mean_of(np.array([10.0, 0.0]), bounds=(0, 9))


def test_one_cluster_is_refused_with_what_is_needed() -> None:
    with pytest.raises(TooFewSamples, match="x: an interval: needs at least 2 levels, got 1") as caught:
        mean_of(np.arange(10.0), clusters=np.zeros(10))
    assert (caught.value.have, caught.value.need, caught.value.unit) == (1, 2, "levels")


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, np.nan, 3.0, np.inf], {}, r"x: 2 of 4 values are not finite \(first: nan at 1\)"),
        ([], {}, "there are no values"),
        ([[1.0, 2.0]], {}, r"must have 1 axes, got shape \(1, 2\)"),
        (["a", "b"], {}, "must be real numbers"),
        ([1.0, 2.0], {"clusters": [1]}, r"one label for each of the 2 rows, got shape \(1,\)"),
        ([1.0, 2.0], {"clusters": [1, np.nan]}, "1 of the 2 cluster labels are NaN"),
        ([1.0, 2.0], {"clusters": np.ma.array([1, 2], mask=[0, 1])}, "x, clusters: 1 values are masked"),
        ([1.0, 2.0], {"clusters": [1, None]}, "clusters must be all numbers or all text, and none missing"),
        ([1.0, None], {}, "got dtype object, of which 1 of 2 are missing"),
        ([1.0, 2.0 + 1j], {}, "must be real numbers, got dtype complex128"),
        ([1.0, 2.0], {"level": 95}, "level must lie strictly between 0 and 1, got 95"),
        ([1.0, 2.0], {"resamples": 5}, "resamples must be at least 100"),
    ],
)
def test_bad_data_is_refused(values: list, options: dict, message: str) -> None:
    with pytest.raises(StatsError, match=message):
        mean_of(np.array(values), **options)


@pytest.mark.parametrize(
    "entrance",
    [
        mean_of,
        lambda v: stats.means([v, v], names="ab" * 2, unit="levels", rng=generator()),
        lambda v: stats.effect(v, name="x", unit="levels", rng=generator()),
        lambda v: stats.proportion(v, name="x", unit="levels"),
        lambda v: stats.paired_difference([1, 2, 3], v, name="x", unit="levels", rng=generator()),
        lambda v: stats.difference([1, 2, 3], v, name="x", unit="levels", rng=generator()),
        lambda v: stats.ratio([1, 2, 3], v, name="x", unit="levels", rng=generator()),
        lambda v: stats.permutation_test([1, 2, 3], v, unit="levels", rng=generator()),
        lambda v: stats.equivalence(v, margin=1, name="x", unit="levels", rng=generator()),
        lambda v: stats.auroc(v, [0, 1, 0], name="x", unit="levels", rng=generator()),
        lambda v: stats.areas(v[:, None], v[:, None]),
        lambda v: stats.holm(v),
        lambda v: stats.maximum_statistic(v, np.zeros((4, 3))),
        lambda v: stats.Null.from_draws(0.0, v, description="x"),
    ],
)
def test_what_is_masked_is_refused_at_every_entrance(entrance: Callable[[np.ndarray], object]) -> None:
    """numpy would read the masked 99 as if it were there."""
    with pytest.raises(StatsError, match="masked"):
        entrance(np.ma.array([1.0, 0.0, 99.0], mask=[False, False, True]))


def test_missing_values_of_pandas_are_refused() -> None:
    column = pd.Series([1, 2, None], dtype="Int64")
    with pytest.raises(StatsError, match=r"1 of 3 (values are not finite|are missing)"):
        mean_of(column)  # pyright: ignore[reportArgumentType]
    with pytest.raises(StatsError, match="1 of 3 values are not finite"):
        mean_of(pd.Series([1.0, 2.0, None]))  # pyright: ignore[reportArgumentType]
    whole = mean_of(pd.Series([1, 2, 4], dtype="Int64").to_numpy())
    assert whole.value == pytest.approx(7 / 3)


# ------------------------------------------------------------------------------------------------ two conditions


def test_paired_difference_is_the_mean_of_differences_with_a_null() -> None:
    rng = generator()
    before = rng.normal(size=80)
    after = before + 0.5 + 0.1 * rng.normal(size=80)
    estimate = stats.paired_difference(after, before, name="effect", unit="levels", rng=generator(2))
    assert estimate.value == pytest.approx((after - before).mean())
    assert estimate.half_width < 0.05  # the pairing takes the spread between levels out
    assert estimate.null is not None
    assert estimate.null.p == pytest.approx(2 / 10_001)
    assert not estimate.null.low <= estimate.value <= estimate.null.high
    with pytest.raises(StatsError, match="got 80 and 79"):
        stats.paired_difference(after, before[:-1], name="effect", unit="levels", rng=rng)


def test_difference_refuses_clusters_in_both_samples() -> None:
    labels = np.arange(20)
    with pytest.raises(StatsError, match="use paired_difference"):
        stats.difference(skewed(20), skewed(20), name="d", unit="levels", rng=generator(), clusters=(labels, labels))


def test_ratio_against_fieller() -> None:
    rng = generator()
    whole = 2 + rng.normal(size=300)
    share = 0.6 * whole + 0.3 * rng.normal(size=300)
    ours = stats.ratio(share, whole, name="share", unit="levels", rng=generator(1), resamples=5000)
    # Fieller's interval: the roots of (a - r b)^2 = z^2 (v_aa - 2 r v_ab + r^2 v_bb)
    a, b = share.mean(), whole.mean()
    v = np.cov(share, whole) / 300
    z2 = scipy_stats.t.ppf(0.975, 299) ** 2
    low, high = sorted(np.roots([b * b - z2 * v[1, 1], -2 * (a * b - z2 * v[0, 1]), a * a - z2 * v[0, 0]]))
    assert ours.value == pytest.approx(a / b)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.1 * ours.half_width)


def test_ratio_to_what_may_be_zero_is_refused() -> None:
    rng = generator()
    with pytest.raises(UndefinedRatio, match="cannot be told from 0"):
        stats.ratio(rng.normal(size=50), rng.normal(size=50), name="share", unit="levels", rng=rng)
    with pytest.raises(UndefinedRatio):
        stats.ratio([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], name="share", unit="levels", rng=rng)


def test_a_ratio_whose_resamples_may_have_no_denominator_has_a_finite_interval() -> None:
    whole = np.repeat([0.0, 1.0], [9, 21])  # of 15 out of 30, all may be 0
    found = stats.ratio(0.5 * whole, whole, name="share", unit="levels", rng=generator())
    assert (found.low, found.value, found.high) == pytest.approx((0.5, 0.5, 0.5))
    signs = np.repeat([-1.0, 1.0], [4, 20])  # of 12 out of 24, the sum is 0 in 1 of 150 resamples
    assert np.isfinite(stats.ratio(signs**2, signs, name="share", unit="levels", rng=generator()).high)


# ------------------------------------------------------------------------------------------------ any statistic


def test_bootstrap_of_a_weighted_mean_is_near_mean() -> None:
    values, clusters = generator().normal(size=900), np.repeat(np.arange(300), 3)

    def average(w: np.ndarray) -> np.ndarray:
        return (w * values).sum(1) / w.sum(1)

    options = {"name": "x", "unit": "levels", "clusters": clusters}
    ours = stats.bootstrap(average, rows=900, rng=generator(4), **options)
    known = stats.mean(values, rng=generator(4), **options)
    assert (ours.value, ours.n) == pytest.approx((known.value, known.n))
    assert (ours.low, ours.high) == pytest.approx((known.low, known.high), abs=0.08 * known.half_width)


def test_bootstrap_of_a_slope_against_statsmodels() -> None:
    from statsmodels.api import OLS

    rng = generator()
    x = rng.normal(size=400)
    y = 2 * x + rng.normal(size=400) * (1 + np.abs(x))
    ours = stats.bootstrap(
        lambda w: (w * x * y).sum(1) / (w * x * x).sum(1), rows=400, name="slope", unit="levels", rng=generator(1)
    )
    low, high = OLS(y, x).fit(cov_type="HC3").conf_int()[0]
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.15 * ours.half_width)


def test_bootstrap_refuses_a_statistic_that_breaks() -> None:
    hits = np.zeros(20)
    hits[0] = 1

    def odds(w: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return (w * (1 - hits)).sum(1) / (w * hits).sum(1)

    with pytest.raises(StatsError, match="not finite when one cluster is left out"):
        stats.bootstrap(odds, rows=20, name="odds", unit="levels", rng=generator())
    with pytest.raises(StatsError, match=r"must give a number a weighting, got shape \(\)"):
        stats.bootstrap(lambda w: w.sum(), rows=20, name="odds", unit="levels", rng=generator())


def test_auroc_is_sklearns_with_ties() -> None:
    from sklearn.metrics import roc_auc_score

    rng = generator()
    labels = rng.random(300) < 0.4
    scores = np.round(rng.normal(size=300) + labels, 1)  # rounding makes ties
    estimate = stats.auroc(scores, labels, name="probe", unit="levels", rng=generator(1))
    assert estimate.value == pytest.approx(roc_auc_score(labels, scores))
    # Hanley & McNeil's standard error, a fair guide for scores like these
    a, m, n = estimate.value, labels.sum(), (~labels).sum()
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = ((a * (1 - a) + (m - 1) * (q1 - a * a) + (n - 1) * (q2 - a * a)) / (m * n)) ** 0.5
    assert estimate.half_width == pytest.approx(1.96 * error, rel=0.15)


def test_auroc_refuses_too_few_of_a_class_and_other_labels() -> None:
    labels = np.arange(100) < 10
    with pytest.raises(TooFewSamples, match="needs at least 20 levels with positives, got 10"):
        stats.auroc(np.arange(100.0), labels, name="probe", unit="levels", rng=generator())
    with pytest.raises(StatsError, match="labels must be True and False"):
        stats.auroc(np.arange(100.0), np.arange(100), name="probe", unit="levels", rng=generator())


def test_require() -> None:
    stats.require(5, at_least=5, unit="training seeds", what="a verdict")
    with pytest.raises(TooFewSamples, match="a verdict: needs at least 5 training seeds, got 4"):
        stats.require(4, at_least=5, unit="training seeds", what="a verdict")

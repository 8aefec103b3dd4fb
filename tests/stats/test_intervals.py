"""Means, differences, ratios and other statistics against scipy, statsmodels and hand-made answers."""

from __future__ import annotations

import time

import numpy as np
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


def test_mean_agrees_with_scipys_bootstrap_where_the_widening_vanishes() -> None:
    values = skewed(2000)
    ours = mean_of(values, resamples=9999)
    theirs = scipy_stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=9999, rng=generator()
    ).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.06 * ours.half_width)


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
    assert estimate.low == pytest.approx(10 * exact.low)
    assert estimate.high == 10
    centre = mean_of(np.full(20, 5.0), bounds=(0, 10))
    assert centre.low < 5 < centre.high
    assert centre.method == "exact bound, all values equal"


def test_an_interval_of_no_length_is_widened_as_with_bounds() -> None:
    bare, bounded = mean_of(np.ones(42)), mean_of(np.ones(42), bounds=(0, 1))
    assert (bare.low, bare.high) == (1, 1)
    assert (stats.widened(bare).low, stats.widened(bare).high) == (bounded.low, 1)
    assert stats.widened(bare).low == pytest.approx(0.9159, abs=1e-4)  # Clopper & Pearson, 42 of 42
    assert stats.widened(bounded) == bounded


def test_perfect_separation_is_no_certainty() -> None:
    scores, labels = np.r_[np.arange(42.0), np.arange(100.0, 142)], np.repeat([0, 1], 42)
    levels = np.tile(np.arange(42), 2)
    area = stats.auroc(scores, labels, name="a", unit="levels", rng=generator(1), clusters=levels)
    assert (area.value, area.high) == (1, 1)
    assert area.low == pytest.approx(0.025 ** (2 / 42))
    other = stats.auroc(-scores, labels, name="a", unit="levels", rng=generator(1), clusters=levels)
    assert (other.low, other.value, other.high) == (0, 0, pytest.approx(1 - 0.025 ** (2 / 42)))


def test_interval_stays_within_bounds() -> None:
    estimate = mean_of(np.array([10.0, 10.0, 10.0, 10.0, 0.0]), bounds=(0, 10))
    assert estimate.high == 10
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
        ([1.0, 2.0], {"level": 95}, "level must lie strictly between 0 and 1, got 95"),
        ([1.0, 2.0], {"resamples": 5}, "resamples must be at least 100"),
    ],
)
def test_bad_data_is_refused(values: list, options: dict, message: str) -> None:
    with pytest.raises(StatsError, match=message):
        mean_of(np.array(values), **options)


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


# ------------------------------------------------------------------------------------------------ any statistic


def test_bootstrap_of_a_weighted_mean_is_mean() -> None:
    values, clusters = skewed(90), np.repeat(np.arange(30), 3)

    def average(w: np.ndarray) -> np.ndarray:
        return (w * values).sum(1) / w.sum(1)

    options = {"name": "x", "unit": "levels", "clusters": clusters}
    ours = stats.bootstrap(average, rows=90, rng=generator(4), **options)
    known = stats.mean(values, rng=generator(4), **options)
    assert (ours.value, ours.low, ours.high, ours.n) == pytest.approx((known.value, known.low, known.high, known.n))


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

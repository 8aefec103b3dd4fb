"""Permutation nulls, proportions, multiplicity and equivalence against scipy, statsmodels and counting by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import mcnemar

from mechinterp import stats
from mechinterp.stats import Equivalence, Estimate, Null, StatsError, TooFewSamples


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# ------------------------------------------------------------------------------------------------ a mean of 0


def effect_of(values: ArrayLike, seed: int = 0, **options: Any) -> Estimate:
    return stats.effect(values, name="effect", unit="levels", rng=generator(seed), **options)


def p_of(estimate: Estimate) -> float:
    assert estimate.null is not None
    assert estimate.null.p is not None
    return estimate.null.p


def test_interval_and_p_of_an_effect_are_one_test() -> None:
    rng = generator()
    table = rng.exponential(size=(24, 300)) - rng.uniform(0.3, 1.2, 300)
    found = stats.effects(table, names=["x"] * 300, unit="levels", rng=generator(1), resamples=1999)
    shown = [p_of(estimate) <= 0.05 for estimate in found]
    assert shown == [estimate.excludes(0) for estimate in found]
    assert shown == [
        not estimate.null.low <= estimate.value <= estimate.null.high for estimate in found if estimate.null
    ]
    assert 30 < sum(shown) < 270


def test_an_effect_is_never_more_certain_than_students() -> None:
    for values in (
        generator().normal(0.4, 1, 30),
        generator(1).standard_t(2, 30),
        generator(2).exponential(size=30) - 1,
    ):
        ours, theirs = effect_of(values), scipy_stats.ttest_1samp(values, 0)
        assert p_of(ours) >= theirs.pvalue - 1e-12
        assert ours.low <= theirs.confidence_interval().low
        assert ours.high >= theirs.confidence_interval().high


def test_an_effect_of_many_normal_levels_is_students() -> None:
    values = generator().normal(0.15, 1, 300)
    ours, theirs = effect_of(values), scipy_stats.ttest_1samp(values, 0)
    assert p_of(ours) == pytest.approx(theirs.pvalue, rel=0.25)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval()), abs=0.008)


def test_an_effect_of_few_levels_is_students() -> None:
    values = np.array([1.0, 2.0, 3.0, -0.5])
    assert p_of(effect_of(values)) == pytest.approx(scipy_stats.ttest_1samp(values, 0).pvalue)


def test_the_longer_side_of_an_interval_is_where_the_tail_is() -> None:
    values = generator().lognormal(size=40)
    found = effect_of(values)
    assert found.high - found.value > 1.5 * (found.value - found.low)
    mirrored = effect_of(-values)
    assert (-mirrored.high, -mirrored.low) == pytest.approx((found.low, found.high))


def test_an_effect_keeps_clusters_whole() -> None:
    by_level = generator().normal(0.5, 1, 15)
    once, often = effect_of(by_level), effect_of(by_level.repeat(10), clusters=np.arange(15).repeat(10))
    assert often.n == 15
    assert (p_of(once), once.low, once.high) == pytest.approx((p_of(often), often.low, often.high))
    assert p_of(effect_of(by_level.repeat(10))) < p_of(once) / 5


def test_an_effect_that_is_the_same_everywhere_has_the_p_of_as_many_signs() -> None:
    assert p_of(effect_of(np.full(20, 0.3))) == pytest.approx(2 / 2**20)
    assert p_of(effect_of(np.zeros(20))) == 1


@pytest.mark.parametrize(("gained", "lost", "same"), [(8, 0, 22), (12, 3, 45), (5, 5, 10), (0, 0, 20), (30, 14, 156)])
def test_a_paired_difference_of_outcomes_is_mcnemars_exact_test(gained: int, lost: int, same: int) -> None:
    after = np.repeat([True, False, True], [gained, lost, same])
    before = np.repeat([False, True, True], [gained, lost, same])
    ours = stats.paired_difference(after, before, name="took", unit="levels", rng=generator())
    table = [[same, gained], [lost, 0]]
    theirs = mcnemar(table, exact=True)
    assert p_of(ours) == pytest.approx(min(1, theirs.pvalue), abs=0.012)
    assert ours.value == pytest.approx((gained - lost) / (gained + lost + same))
    assert ours.low < ours.value < ours.high  # also where no level differs
    assert ours == stats.paired_difference(
        after.astype(int), before.astype(int), name="took", unit="levels", rng=generator(), bounds=(0, 1)
    )
    assert (p_of(ours) <= 0.05) == ours.excludes(0)


def test_shares_that_overlap_may_differ_clearly_on_the_same_levels() -> None:
    """20 of 60 levels against 10 of the same 60: the two intervals overlap, and ten levels changed, all one way."""
    after, before = np.arange(60) < 20, np.arange(60) < 10
    one, other = (stats.proportion(hits, name="took", unit="levels") for hits in (after, before))
    assert one.low < other.high
    assert p_of(stats.paired_difference(after, before, name="took", unit="levels", rng=generator())) < 0.005


def test_outcomes_of_several_episodes_of_a_level_are_clustered() -> None:
    after, before = np.arange(60) < 20, np.arange(60) < 10
    options: Any = {"name": "took", "unit": "levels"}
    once = stats.paired_difference(after, before, rng=generator(), **options)
    often = stats.paired_difference(
        after.repeat(5), before.repeat(5), rng=generator(), clusters=np.arange(60).repeat(5), **options
    )
    assert (often.n, often.value) == (60, once.value)
    assert (p_of(often), often.low, often.high) == pytest.approx((p_of(once), once.low, once.high))


def test_a_paired_difference_stays_within_its_bounds() -> None:
    with pytest.raises(StatsError, match=r"outside the bounds \(0, 1\)"):
        stats.paired_difference([0, 2], [0, 1], name="x", unit="levels", rng=generator(), bounds=(0, 1))
    found = stats.paired_difference([10.0] * 12, [0.0] * 12, name="x", unit="levels", rng=generator(), bounds=(0, 10))
    assert found.high == 10
    assert found.low == pytest.approx(10 - 20 * (1 - 0.025 ** (1 / 12)), abs=0.6)


# ------------------------------------------------------------------------------------------------ two samples


def test_permutations_of_small_samples_are_counted_in_full() -> None:
    null = stats.permutation_test([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], unit="seeds", rng=generator())
    assert null.p == pytest.approx(2 / 20)
    theirs = scipy_stats.permutation_test(([1, 2, 3], [4, 5, 6]), lambda a, b: np.mean(a) - np.mean(b))
    assert null.p == pytest.approx(theirs.pvalue)


def test_permutations_of_unequal_samples_agree_with_scipy() -> None:
    first, second = generator().normal(size=40), generator(1).normal(0.5, 1, size=25)
    ours = stats.permutation_test(first, second, unit="levels", rng=generator(2))
    theirs = scipy_stats.permutation_test(
        (first, second),
        lambda a, b, axis: a.mean(axis) - b.mean(axis),
        vectorized=True,
        n_resamples=10_000,
        rng=generator(3),
    )
    assert ours.p == pytest.approx(theirs.pvalue, abs=0.01)


def test_permutations_keep_clusters_whole() -> None:
    first, second = np.repeat([1.0, 2.0], 50), np.repeat([3.0, 4.0], 50)
    labels = np.repeat([0, 1], 50), np.repeat([2, 3], 50)
    null = stats.permutation_test(first, second, unit="levels", rng=generator(), clusters=labels)
    assert null.p == pytest.approx(2 / 6)
    with pytest.raises(StatsError, match="in both samples"):
        stats.permutation_test(first, second, unit="levels", rng=generator(), clusters=(labels[0], labels[0]))


def test_permutations_say_how_many_an_alpha_needs() -> None:
    with pytest.raises(TooFewSamples, match="needs at least 7 seeds in all, got 6"):
        stats.permutation_test([1, 2, 3], [4, 5, 6], unit="seeds", rng=generator(), alpha=0.06)


# ------------------------------------------------------------------------------------------------ proportions


@pytest.mark.parametrize(("hits", "rows"), [(0, 20), (1, 20), (13, 20), (20, 20), (325, 500), (1, 1)])
def test_proportion_is_clopper_and_pearsons(hits: int, rows: int) -> None:
    ours = stats.proportion(np.arange(rows) < hits, name="coin", unit="levels")
    theirs = scipy_stats.binomtest(hits, rows).proportion_ci(method="exact")
    assert (ours.value, ours.low, ours.high) == pytest.approx((hits / rows, theirs.low, theirs.high))
    assert ours.n == rows


def test_proportion_with_clusters() -> None:
    by_level = generator().random(50) < 0.6
    rows, clusters = np.repeat(by_level, 10), np.repeat(np.arange(50), 10)
    ours = stats.proportion(rows, name="coin", unit="levels", clusters=clusters)
    plain = stats.proportion(by_level, name="coin", unit="levels")
    assert ours.n == 50  # ten copies of every level tell no more than one
    assert (ours.low, ours.high) == pytest.approx((plain.low, plain.high), abs=0.01)
    plain_never = stats.proportion(np.zeros(50), name="coin", unit="levels")
    never = stats.proportion(np.zeros(500), name="coin", unit="levels", clusters=clusters)
    assert never.high == pytest.approx(plain_never.high, abs=0.005)  # as for 0 of 50
    with pytest.raises(TooFewSamples, match="needs at least 2 levels, got 1"):
        stats.proportion(rows, name="coin", unit="levels", clusters=np.zeros(500))
    with pytest.raises(StatsError, match="a proportion is of True and False"):
        stats.proportion([0.5, 1], name="coin", unit="levels")


# ------------------------------------------------------------------------------------------------ many tests


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_corrections_are_those_of_scipy_and_statsmodels(p: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    assert stats.benjamini_hochberg(p) == pytest.approx(scipy_stats.false_discovery_control(p))
    assert stats.holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_corrections_by_hand() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert stats.holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.benjamini_hochberg(p) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    with pytest.raises(StatsError, match=r"must lie in 0\.\.1, got 0\.1 to 1\.2"):
        stats.holm([0.1, 1.2])


def test_correct_keeps_the_estimates_and_says_what_it_did() -> None:
    def estimate(p: float | None) -> Estimate:
        null = Null(description="signs flipped", value=0, low=-1, high=1, p=p)
        return Estimate(name="x", value=2, low=1, high=3, n=9, unit="levels", null=null)

    first, second = stats.correct([estimate(0.01), estimate(0.04)])
    assert first.null == Null(description="signs flipped; p by Holm over 2 tests", value=0, low=-1, high=1, p=0.02)
    assert second.null is not None
    assert second.null.p == pytest.approx(0.04)
    assert (first.value, first.low, first.high) == (2, 1, 3)
    assert stats.correct([]) == []
    by_name = {"left": estimate(0.01), "right": estimate(0.04)}
    assert stats.correct(by_name) == {"left": first, "right": second}
    with pytest.raises(StatsError, match="'x' has no p value"):
        stats.correct([estimate(None)])
    with pytest.raises(StatsError, match="unknown correction 'bonferroni'"):
        stats.correct([estimate(0.1)], method="bonferroni")  # pyright: ignore[reportArgumentType]


# ------------------------------------------------------------------------------------------------ equivalence


def equivalence(differences: ArrayLike, margin: float | tuple[float, float] = 0.5) -> Equivalence:
    return stats.equivalence(differences, margin=margin, name="effect", unit="levels", rng=generator())


@pytest.mark.parametrize("shift", [-0.4, 0.0, 0.1, 0.3])
def test_equivalence_of_many_is_that_of_statsmodels(shift: float) -> None:
    from statsmodels.stats.weightstats import ttost_paired

    rng = generator()
    before = rng.normal(size=200)
    after = before + shift + rng.normal(size=200)
    ours, theirs = equivalence(after - before, (-0.5, 0.4)), ttost_paired(after, before, -0.5, 0.4)[0]
    assert theirs - 1e-12 <= ours.p <= 1.4 * theirs + 0.002
    assert ours.shown == ours.estimate.within(-0.5, 0.4)
    assert ours.estimate.level == pytest.approx(0.9)


def test_equivalence_of_few_is_that_of_statsmodels() -> None:
    from statsmodels.stats.weightstats import ttost_paired

    differences = generator().normal(size=8)
    assert equivalence(differences, 1.0).p == pytest.approx(ttost_paired(differences, np.zeros(8), -1, 1)[0])


def test_a_tail_that_a_small_sample_hides_is_not_shown_to_be_small() -> None:
    """The mean of 25 lognormal levels is often far below the truth, with a small spread: then t claims too much."""
    rng, runs = generator(5), 200
    table = rng.lognormal(size=(runs, 25)) - np.exp(0.5)
    wrong = [equivalence(row, (-5.0, 1e-9)).shown for row in table]  # the truth is 0: at the margin
    student = [scipy_stats.ttest_1samp(row, 0, alternative="less").pvalue < 0.05 for row in table]
    assert np.mean(student) > 0.11
    assert np.mean(wrong) < 0.09


def test_equivalence_round_trip_and_edges() -> None:
    found = equivalence(generator().normal(size=30))
    assert Equivalence.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    nothing = equivalence(np.zeros(30))
    assert nothing.shown
    assert nothing.p == 0
    assert not equivalence(np.ones(30)).shown
    with pytest.raises(StatsError, match="margin must enclose 0"):
        equivalence(np.zeros(30), (0.1, 0.5))
    with pytest.raises(TooFewSamples):
        equivalence([0.0])

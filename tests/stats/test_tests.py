"""Permutation nulls, proportions, multiplicity and equivalence against scipy, statsmodels and counting by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from mechinterp import stats
from mechinterp.stats import Equivalence, Estimate, Null, StatsError, TooFewSamples


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# ------------------------------------------------------------------------------------------------ sign flips


def test_sign_flips_of_few_clusters_are_counted_in_full() -> None:
    differences = np.array([1.0, 2.0, 3.0, -0.5])
    null = stats.sign_flip_test(differences, unit="levels", rng=generator())
    # of the 16 sums of (+-1, +-2, +-3, +-0.5), those at least 5.5: 6.5 and 5.5; and as many at most -5.5
    assert null.p == pytest.approx(4 / 16)
    assert null.value == pytest.approx(0)
    assert "all 16" in null.description


def test_sign_flips_agree_with_scipy() -> None:
    differences = generator().normal(0.3, 1, size=60)
    ours = stats.sign_flip_test(differences, unit="levels", rng=generator(1))
    theirs = scipy_stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=10_000, rng=generator(2)
    )
    assert ours.p == pytest.approx(theirs.pvalue, abs=0.01)
    assert (ours.low, ours.high) == pytest.approx(np.quantile(theirs.null_distribution, [0.025, 0.975]), abs=0.02)


def test_sign_flips_keep_clusters_whole() -> None:
    differences, clusters = np.repeat([1.0, 2.0, 3.0], 10), np.repeat([7, 8, 9], 10)
    null = stats.sign_flip_test(differences, unit="levels", rng=generator(), clusters=clusters)
    assert null.p == pytest.approx(2 / 8)  # thirty rows, but three levels


def test_sign_flips_say_how_many_levels_an_alpha_needs() -> None:
    with pytest.raises(TooFewSamples, match="needs at least 6 levels, got 5"):
        stats.sign_flip_test(np.ones(5), unit="levels", rng=generator(), alpha=0.05)
    enough = stats.sign_flip_test(np.ones(6), unit="levels", rng=generator(), alpha=0.05)
    assert enough.p == pytest.approx(2 / 64)


def test_sign_flip_p_is_uniform_where_there_is_no_effect() -> None:
    table = generator().normal(size=(30, 400))
    p = [null.p or 0 for null in stats.sign_flip_tests(table, unit="levels", rng=generator(1), draws=999)]
    assert scipy_stats.kstest(p, "uniform").pvalue > 0.01


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
def test_proportion_is_wilsons(hits: int, rows: int) -> None:
    ours = stats.proportion(np.arange(rows) < hits, name="coin", unit="levels")
    theirs = scipy_stats.binomtest(hits, rows).proportion_ci(method="wilson")
    assert (ours.value, ours.low, ours.high) == pytest.approx((hits / rows, theirs.low, theirs.high))
    assert ours.n == rows


def test_proportion_with_clusters() -> None:
    by_level = generator().random(50) < 0.6
    rows, clusters = np.repeat(by_level, 10), np.repeat(np.arange(50), 10)
    ours = stats.proportion(rows, name="coin", unit="levels", clusters=clusters)
    plain = stats.proportion(by_level, name="coin", unit="levels")
    assert ours.n == 50  # ten copies of every level tell no more than one
    assert (ours.low, ours.high) == pytest.approx((plain.low, plain.high), abs=0.01)
    never = stats.proportion(np.zeros(500), name="coin", unit="levels", clusters=clusters)
    assert 0.06 < never.high < 0.09  # as for 0 of 50
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
    with pytest.raises(StatsError, match="'x' has no p value"):
        stats.correct([estimate(None)])
    with pytest.raises(StatsError, match="unknown correction 'bonferroni'"):
        stats.correct([estimate(0.1)], method="bonferroni")  # pyright: ignore[reportArgumentType]


# ------------------------------------------------------------------------------------------------ equivalence


@pytest.mark.parametrize("shift", [-0.4, 0.0, 0.1, 0.3])
def test_equivalence_is_that_of_statsmodels(shift: float) -> None:
    from statsmodels.stats.weightstats import ttost_paired

    rng = generator()
    before = rng.normal(size=40)
    after = before + shift + rng.normal(size=40)
    ours = stats.equivalence(after - before, margin=(-0.5, 0.4), name="effect", unit="levels")
    assert ours.p == pytest.approx(ttost_paired(after, before, -0.5, 0.4)[0])
    assert ours.shown == ours.estimate.within(-0.5, 0.4)
    assert ours.estimate.level == pytest.approx(0.9)


def test_equivalence_round_trip_and_edges() -> None:
    found = stats.equivalence(generator().normal(size=30), margin=0.5, name="effect", unit="levels")
    assert Equivalence.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    nothing = stats.equivalence(np.zeros(30), margin=0.5, name="effect", unit="levels")
    assert nothing.shown
    assert nothing.p == 0
    assert not stats.equivalence(np.ones(30), margin=0.5, name="effect", unit="levels").shown
    with pytest.raises(StatsError, match="margin must enclose 0"):
        stats.equivalence(np.zeros(30), margin=(0.1, 0.5), name="effect", unit="levels")
    with pytest.raises(TooFewSamples):
        stats.equivalence([0.0], margin=0.5, name="effect", unit="levels")

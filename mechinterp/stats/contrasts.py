"""One condition against another: paired difference, difference of two samples, ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mechinterp.stats.averages import TEST_RESAMPLES, effect
from mechinterp.stats.bounded import check_bounds
from mechinterp.stats.checks import StatsError, UndefinedRatio, clustered, fraction, numbers, require
from mechinterp.stats.estimate import Estimate
from mechinterp.stats.resampling import RESAMPLES, ratio_influences, spread
from mechinterp.stats.studentised import studentised

_CLEAR_OF_ZERO = 3.0
"""How many standard errors a denominator must be away from 0: then one resample in a thousand, at most, changes its
sign, too few to reach an interval's ends."""


def paired_difference(
    after: ArrayLike,
    before: ArrayLike,
    *,
    name: str,
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
    resamples: int = TEST_RESAMPLES,
) -> Estimate:
    """The mean of `after - before`, row by row, with the null hypothesis that it is 0: see `averages.effect`.

    Args:
        bounds: the least and greatest value possible of `after` and of `before`, if there are such: 0 and 1 of what is
            so or not so (True and False need not say it), 0 and 10 of a return. For 0 and 1, p is McNemar's exact one.

    Raises:
        TooFewSamples: fewer than two clusters.
        StatsError: lengths that differ, values that are not finite, or outside `bounds`.

    >>> rng = np.random.default_rng(0)
    >>> after, before = np.repeat([True, True, False], [8, 9, 13]), np.repeat([False, True, False], [8, 9, 13])
    >>> took = paired_difference(after, before, name="took the coin", unit="levels", rng=rng)
    >>> round(took.null.p, 2)  # 8 levels changed, all one way: 2 / 2**8
    0.01
    """
    a, b = numbers(after, name=f"{name}, after"), numbers(before, name=f"{name}, before")
    if a.shape != b.shape:
        raise StatsError(f"{name}: pairs need as many rows after as before, got {len(a)} and {len(b)}")
    if bounds is None and all(np.asarray(side).dtype == bool for side in (after, before)):
        bounds = (0, 1)
    ends = None
    if bounds is not None:
        for side in (a, b):
            check_bounds(side, bounds, name=name)
        ends = (bounds[0] - bounds[1], bounds[1] - bounds[0])
    return effect(
        a - b, name=name, unit=unit, rng=rng, clusters=clusters, bounds=ends, level=level, resamples=resamples
    )  # fmt: skip


def difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    name: str,
    unit: str,
    rng: np.random.Generator,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """The mean of `first` minus the mean of `second`, two samples that share no cluster; n counts the clusters of both.

    `paired_difference` is far more sensitive wherever the same levels were played twice. `permutation_test` gives the
    null.

    Raises:
        TooFewSamples: fewer than two clusters in one of the samples.
        StatsError: values that are not finite, or labels that occur in both samples.
    """
    level = fraction(level, name=name, what="level")
    if clusters is not None and np.intersect1d(np.asarray(clusters[0]), np.asarray(clusters[1])).size:
        raise StatsError(f"{name}: some clusters are in both samples; pair them and use paired_difference")
    parts = []
    for part, own, labels in zip(("first", "second"), (first, second), clusters or (None, None), strict=True):
        column = numbers(own, name=f"{name}, {part} sample")
        group = clustered(len(column), labels, name=f"{name}, {part} sample")
        require(group.count, at_least=2, unit=unit, what=f"{name}, {part} sample: an interval")
        parts.append(studentised(group.sums(column)[:, None], group.rows, resamples, rng))
    found, sizes = parts[0].minus(parts[1]), [part.clusters for part in parts]
    ((low, high, method),) = found.intervals(level)
    method = f"{method}; {sizes[0]} and {sizes[1]} {unit}"
    return Estimate(
        name=name, value=float(found.value[0]), low=low, high=high, n=sum(sizes), unit=unit, level=level, method=method
    )  # fmt: skip


def ratio(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    name: str,
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """The mean of `numerator` over the mean of `denominator` (an effect as a share of its ceiling), rows paired.

    Raises:
        UndefinedRatio: the mean of `denominator` is less than three standard errors from 0.
        TooFewSamples: fewer than two clusters.
        StatsError: lengths that differ, or values that are not finite.
    """
    level = fraction(level, name=name, what="level")
    top, bottom = numbers(numerator, name=f"{name}, numerator"), numbers(denominator, name=f"{name}, denominator")
    if top.shape != bottom.shape:
        raise StatsError(f"{name}: a ratio needs as many numerators as denominators, got {len(top)} and {len(bottom)}")
    group = clustered(len(top), clusters, name=name)
    require(group.count, at_least=2, unit=unit, what=f"{name}: an interval")
    shares, wholes = group.sums(top), group.sums(bottom)
    whole = float(wholes.sum() / group.rows.sum())
    error, _ = spread([ratio_influences(wholes, group.rows)])
    if abs(whole) <= _CLEAR_OF_ZERO * error:
        raise UndefinedRatio(
            f"{name}: the denominator, {whole:.4g} with standard error {error:.2g} (n={group.count} {unit}), cannot be "
            "told from 0 well enough to divide by it; report numerator and denominator by themselves"
        )
    found = studentised(shares[:, None], wholes, resamples, rng)
    ((low, high, method),) = found.intervals(level)
    return Estimate(
        name=name, value=float(found.value[0]), low=low, high=high, n=group.count, unit=unit, level=level, method=method
    )  # fmt: skip

"""The mean of rows that come in clusters, and whether it is 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from mechinterp.stats.bounded import Bounded, bounded, check_bounds
from mechinterp.stats.checks import StatsError, clustered, fraction, numbers, require
from mechinterp.stats.estimate import Estimate, Null
from mechinterp.stats.resampling import RESAMPLES
from mechinterp.stats.studentised import Studentised, studentised

TEST_RESAMPLES = 10_000
"""Of a test, whose p can come down to twice the inverse of it."""


def mean(
    values: ArrayLike,
    *,
    name: str,
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
    null: Null | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """The mean of all rows, with an interval over clusters.

    The interval is that of `studentised`; where `bounds` are given, that of `bounded`, which needs no luck: n values
    that are all alike do not show that every value is.

    Every row weighs the same, so a level with more rows weighs more; average within levels first where that is wrong.

    Args:
        values: one number a row.
        unit: what a cluster is, in the plural ("levels"); n counts these.
        clusters: the cluster of each row (its level's seed); by default each row is its own.
        bounds: the least and greatest value possible (0 and 10 for a return), if there are such. Give them for whatever
            takes few values: shares, outcomes, returns. Without them, equal values have an interval of no length.
        null: what to hold the estimate against; `effect` is for a null hypothesis of 0.

    Raises:
        TooFewSamples: fewer than two clusters.
        StatsError: values that are not finite, masked, outside `bounds`, or not one label a row.

    >>> rng = np.random.default_rng(0)
    >>> returns = [0, 10, 10, 10, 0, 10]
    >>> print(mean(returns, name="return", unit="levels", rng=rng, bounds=(0, 10)))
    6.7 [2.3, 9.6] (n=6 levels)
    """
    column = numbers(values, name=name)[:, None]
    found, n = _resampled(column, name, unit, rng, clusters, bounds, level, resamples)
    (estimate,) = _estimates(found, [name], n, unit, level)
    return estimate.against(null)


def means(
    values: ArrayLike,
    *,
    names: Sequence[str],
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> list[Estimate]:
    """`mean` of each column of `values` (rows by columns; a column per channel, say), all from the same resamples."""
    table = _table(values, names, "means")
    found, n = _resampled(table, names[0], unit, rng, clusters, bounds, level, resamples)
    return _estimates(found, names, n, unit, level)


def effect(
    values: ArrayLike,
    *,
    name: str,
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
    resamples: int = TEST_RESAMPLES,
) -> Estimate:
    """`mean` of differences, with the null hypothesis that it is 0: interval and p are two sides of one test.

    The interval leaves 0 out exactly where p is at most 1 - level. Flips of signs are no test of this: they ask for a
    symmetric distribution, and call 9 to 14 % of skewed samples of 20 different from their own mean.

    Args:
        values: one difference a row.
        bounds: the least and greatest difference possible, -1 and 1 for outcomes that are so or not so: p is then that
            of McNemar's exact test (McNemar 1947; Fagerland, Lydersen & Laake 2013), and with clusters its
            generalisation.

    Raises:
        TooFewSamples: fewer than two clusters.
        StatsError: see `mean`.
    """
    column = numbers(values, name=name)[:, None]
    (found,) = effects(
        column, names=[name], unit=unit, rng=rng, clusters=clusters, bounds=bounds, level=level, resamples=resamples
    )
    return found


def effects(
    values: ArrayLike,
    *,
    names: Sequence[str],
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
    resamples: int = TEST_RESAMPLES,
) -> list[Estimate]:
    """`effect` of each column of `values` (rows by columns), all from the same resamples. See `correct` for many
    tests.
    """
    table = _table(values, names, "effects")
    found, n = _resampled(table, names[0], unit, rng, clusters, bounds, level, resamples)
    nulls = found.nulls(level, unit=unit)
    estimates = _estimates(found, names, n, unit, level)
    return [estimate.against(null) for estimate, null in zip(estimates, nulls, strict=True)]


def _table(values: ArrayLike, names: Sequence[str], what: str) -> Float[np.ndarray, "rows columns"]:
    table = numbers(values, name=what, ndim=2)
    if len(names) != table.shape[1]:
        raise StatsError(f"{what}: {table.shape[1]} columns need as many names, got {len(names)}")
    return table


def _resampled(
    table: Float[np.ndarray, "rows columns"],
    name: str,
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None,
    bounds: tuple[float, float] | None,
    level: float,
    resamples: int,
) -> tuple[Studentised | Bounded, int]:
    fraction(level, name=name, what="level")
    group = clustered(len(table), clusters, name=name)
    require(group.count, at_least=2, unit=unit, what=f"{name}: an interval")
    sums = group.sums(table)
    if bounds is None:
        return studentised(sums, group.rows, resamples, rng), group.count
    check_bounds(table, bounds, name=name)
    return bounded(sums, group.rows, bounds, resamples, rng), group.count


def _estimates(found: Studentised | Bounded, names: Sequence[str], n: int, unit: str, level: float) -> list[Estimate]:
    return [
        Estimate(name=name, value=value, low=low, high=high, n=n, unit=unit, level=level, method=method)
        for name, value, (low, high, method) in zip(names, found.value.tolist(), found.intervals(level), strict=True)
    ]

"""The mean of rows that come in clusters."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from mechinterp.stats.checks import StatsError, clustered, fraction, numbers, require
from mechinterp.stats.estimate import Estimate, Null
from mechinterp.stats.resampling import RESAMPLES, Interval, interval, ratio_draws, ratio_influences

_EXACT = "exact bound, all values equal"


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
    """The mean of all rows, with a cluster bootstrap interval (see `resampling.interval`).

    Every row weighs the same, so a level with more rows weighs more; average within levels first where that is wrong.

    Args:
        values: one number a row.
        unit: what a cluster is, in the plural ("levels"); n counts these.
        clusters: the cluster of each row (its level's seed); by default each row is its own.
        bounds: the least and greatest value possible (0 and 10 for a return), if there are such. The interval then
            stays inside; and where all values are the same it does not shrink to a point (see `_all_equal`).
        null: what to hold the estimate against.

    Raises:
        TooFewSamples: fewer than two clusters.
        StatsError: values that are not finite, outside `bounds`, or not one label a row.

    >>> rng = np.random.default_rng(0)
    >>> returns = [0, 10, 10, 10, 0, 10]
    >>> print(mean(returns, name="return", unit="levels", rng=rng, bounds=(0, 10)))
    6.7 [1.2, 10.0] (n=6 levels)
    """
    column = numbers(values, name=name)[:, None]
    (estimate,) = _columns(column, [name], unit, rng, clusters, bounds, level, resamples)
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
    table = numbers(values, name="means", ndim=2)
    if len(names) != table.shape[1]:
        raise StatsError(f"means: {table.shape[1]} columns need as many names, got {len(names)}")
    return _columns(table, names, unit, rng, clusters, bounds, level, resamples)


def _columns(
    table: Float[np.ndarray, "rows columns"],
    names: Sequence[str],
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None,
    bounds: tuple[float, float] | None,
    level: float,
    resamples: int,
) -> list[Estimate]:
    level = fraction(level, name=names[0], what="level")
    group = clustered(len(table), clusters, name=names[0])
    require(group.count, at_least=2, unit=unit, what=f"{names[0]}: an interval")
    if bounds is not None:
        _inside(table, bounds, name=names[0])
    sums = group.sums(table)
    draws = ratio_draws(sums, group.rows, resamples, rng)
    estimates = []
    for column, name in enumerate(names):
        value = float(sums[:, column].sum() / group.rows.sum())
        if bounds is not None:
            value = min(max(value, bounds[0]), bounds[1])  # rounding
        if bounds is not None and np.ptp(table[:, column]) == 0:
            low, high, method = _all_equal(value, bounds, group.count, level)
        else:
            influences = ratio_influences(sums[:, column], group.rows)
            low, high, method = interval(value, draws[:, column], [influences], level=level)
        if bounds is not None:
            low, high = max(low, bounds[0]), min(high, bounds[1])
        estimate = Estimate(
            name=name, value=value, low=low, high=high, n=group.count, unit=unit, level=level, method=method
        )
        estimates.append(estimate)
    return estimates


def _all_equal(value: float, bounds: tuple[float, float], n: int, level: float) -> Interval:
    """The interval when all n clusters show the same value, given only that no value can lie outside `bounds`.

    Where a share q of all clusters differs, n equal ones have probability (1 - q)^n; the largest q that keeps this at
    alpha / 2 moves the mean by at most q times the distance to a bound (Clopper & Pearson's bound for 0 of n).
    """
    q = unseen(n, level)
    return Interval(value - q * (value - bounds[0]), value + q * (bounds[1] - value), _EXACT)


def unseen(n: int, level: float) -> float:
    """The largest share of all clusters that may differ from n clusters that are all alike."""
    return 1 - ((1 - level) / 2) ** (1 / n)


def widened(estimate: Estimate, bounds: tuple[float, float] = (0.0, 1.0)) -> Estimate:
    """The same, with `mean`'s exact bound in place of an interval of no length.

    For means that were made without `bounds`: n clusters that agree do not show that all others do.
    """
    if estimate.low < estimate.high:
        return estimate
    low, high, method = _all_equal(estimate.value, bounds, estimate.n, estimate.level)
    return dataclasses.replace(estimate, low=low, high=high, method=method)


def _inside(table: Float[np.ndarray, "rows columns"], bounds: tuple[float, float], *, name: str) -> None:
    low, high = bounds
    if not low < high:
        raise StatsError(f"{name}: bounds must be (least, greatest), got {bounds}")
    if table.min() < low or table.max() > high:
        raise StatsError(f"{name}: values run from {table.min():.6g} to {table.max():.6g}, outside the bounds {bounds}")

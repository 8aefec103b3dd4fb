"""Means of what cannot lie outside known bounds: an interval that holds for small samples, whatever they show.

The upper end is a quantile of ``sum_i D_i x_i + D_{n+1} bound``, the lower end likewise with the other bound; D is
uniform on the simplex (exponential numbers over their sum). It is the Bayesian bootstrap (Rubin 1981) with one more
observation, the worst that there could be (Gaffke 2005, "Three test statistics for a nonparametric one-sided
hypothesis on the mean of a nonnegative variable"; Learned-Miller & Thomas 2019, arXiv:1905.06208). What follows from
it:

- of 0 and 1 it is Clopper & Pearson's exact interval;
- of n equal values at a bound, the other end is ``1 - (alpha / 2) ** (1 / n)`` of the way to the other bound;
- of differences -1, 0 and 1 its p is that of McNemar's exact test (the binomial test of the pairs that differ).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mechinterp.stats.checks import StatsError
from mechinterp.stats.estimate import Null
from mechinterp.stats.resampling import Interval, check_drawing, totals, weighed

_CHUNK = 4_000_000  # weights held in memory at once


class Bounded(NamedTuple):
    """Columns of means with the draws of their ends, each sorted."""

    value: Float[np.ndarray, " columns"]
    least: Float[np.ndarray, "draws columns"]
    """With the lower bound as one more cluster."""
    most: Float[np.ndarray, "draws columns"]
    """With the upper bound."""

    def intervals(self, level: float) -> list[Interval]:
        """A confidence interval of `level` for each column: all values that `nulls` would not reject at 1 - level."""
        tail = max(1, int((1 - level) / 2 * (len(self.least) + 1) + 1e-9))
        method = f"worst-case bound (Gaffke), {len(self.least)} draws"
        low, high = np.minimum(self.least[tail - 1], self.value), np.maximum(self.most[-tail], self.value)
        return [Interval(*ends, method) for ends in zip(low.tolist(), high.tolist(), strict=True)]

    def nulls(self, level: float, *, unit: str) -> list[Null]:
        """The null hypothesis that the mean is 0: the range that the mean would then keep to, and the p of both
        sides.
        """
        draws, found = len(self.least), []
        above = (1 + (self.least <= 0).sum(0)) / (1 + draws)
        below = (1 + (self.most >= 0).sum(0)) / (1 + draws)
        p = np.minimum(1, 2 * np.minimum(above, below))
        for value, one, (low, high, method) in zip(self.value.tolist(), p.tolist(), self.intervals(level), strict=True):
            found.append(
                Null(
                    description=f"a mean of 0 over {unit} ({method})",
                    value=0.0,
                    low=min(0.0, value - high),
                    high=max(0.0, value - low),
                    p=one,
                )
            )
        return found


def bounded(
    sums: Float[np.ndarray, "clusters columns"],
    rows: Float[np.ndarray, " clusters"],
    bounds: tuple[float, float],
    draws: int,
    rng: np.random.Generator,
) -> Bounded:
    """The mean of each column, of clusters that have these sums and numbers of rows; the worst case has as many as
    most.
    """
    low, high = bounds
    least, most = [], []
    for weights, unseen in worst_cases(len(rows), draws, rng):
        seen = weighed(weights, sums) / weighed(weights, rows[:, None])
        least.append(seen + unseen[:, None] * (low - seen))
        most.append(seen + unseen[:, None] * (high - seen))
    value = np.clip(totals(sums) / rows.sum(), low, high)  # here and below, rounding
    ends = [np.sort(np.concatenate(side), axis=0).clip(low, high) for side in (least, most)]
    return Bounded(value, *ends)


def worst_cases(
    clusters: int, draws: int, rng: np.random.Generator
) -> Iterator[tuple[Float[np.ndarray, "draws clusters"], Float[np.ndarray, " draws"]]]:
    """Random weights of the clusters, and the share that one more would have: uniform on the simplex, in chunks.

    The share has the distribution Beta(1, clusters) and is drawn by its quantiles, in random order.
    """
    check_drawing(draws, rng)
    unseen = 1 - (1 - (rng.permutation(draws) + 0.5) / draws) ** (1 / clusters)
    at_once = max(1, _CHUNK // clusters)
    for start in range(0, draws, at_once):
        share = unseen[start : start + at_once]
        yield rng.standard_exponential((len(share), clusters)), share


def check_bounds(table: Float[np.ndarray, "rows columns"], bounds: tuple[float, float], *, name: str) -> None:
    """Raise StatsError where `bounds` are no bounds, or values lie outside of them."""
    low, high = bounds
    if not low < high:
        raise StatsError(f"{name}: bounds must be (least, greatest), got {bounds}")
    if table.min() < low or table.max() > high:
        raise StatsError(f"{name}: values run from {table.min():.6g} to {table.max():.6g}, outside the bounds {bounds}")

"""The share of rows for which something is so."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from mechinterp.stats.checks import StatsError, clustered, fraction, numbers, require
from mechinterp.stats.estimate import Estimate, Null


def proportion(
    hits: ArrayLike,
    *,
    name: str,
    unit: str,
    clusters: ArrayLike | None = None,
    null: Null | None = None,
    level: float = 0.95,
) -> Estimate:
    """The share of rows that are True, with Clopper & Pearson's exact interval (1934). Needs no random numbers.

    It covers the truth at least as often as it says, for every share and number of rows: Wilson's and the bootstrap's
    do not near 0 and 1.

    With `clusters` the sample size is the effective one: the variance of a simple random sample over the linearised
    cluster variance, times (z / t)^2 for the clusters' degrees of freedom (Korn & Graubard 1998), and never more than
    the rows; where every row agrees it is the number of clusters.

    Args:
        hits: True or False (or 1 and 0), one a row.
        unit: what a cluster is, in the plural; n counts these.

    Raises:
        TooFewSamples: fewer than two clusters, where `clusters` is given.
        StatsError: values that are neither True nor False.

    >>> print(proportion([True] * 9 + [False], name="took the coin", unit="levels"))
    0.90 [0.55, 1.00] (n=10 levels)
    """
    column = numbers(hits, name=name)
    if not np.isin(column, (0, 1)).all():
        raise StatsError(f"{name}: a proportion is of True and False (or 1 and 0), got {np.unique(column)[:5]}")
    alpha = 1 - fraction(level, name=name, what="level")
    group = clustered(len(column), clusters, name=name)
    share = float(column.mean())
    z = float(special.ndtri(1 - alpha / 2))
    size, method = float(len(column)), "Clopper-Pearson"
    if group.count < len(column):
        require(group.count, at_least=2, unit=unit, what=f"{name}: an interval")
        residuals = group.sums(column) - share * group.rows
        variance = group.count / (group.count - 1) * float(np.square(residuals).sum()) / len(column) ** 2
        t = float(special.stdtrit(group.count - 1, 1 - alpha / 2))
        size = float(group.count) if share in (0, 1) else size
        if 0 < share < 1 and variance > 0:
            size = min(size, share * (1 - share) / variance)
        size *= (z / t) ** 2
        method = f"Clopper-Pearson, effective size {size:.4g} of {len(column)} rows"
    hit, missed = share * size, (1 - share) * size
    low = 0.0 if share == 0 else float(special.betaincinv(hit, missed + 1, alpha / 2))
    high = 1.0 if share == 1 else float(special.betaincinv(hit + 1, missed, 1 - alpha / 2))
    return Estimate(
        name=name,
        value=share,
        low=min(share, low),  # rounding
        high=max(share, high),
        n=group.count,
        unit=unit,
        null=null,
        level=level,
        method=method,
    )

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
    """The share of rows that are True, with Wilson's score interval (Wilson 1927). Needs no random numbers.

    With `clusters` the sample size in Wilson's formula is the effective one: the variance of a simple random sample
    over the linearised cluster variance, times (z / t)^2 for the clusters' degrees of freedom (Korn & Graubard 1998),
    and never more than the rows; where every row agrees it is the number of clusters.

    Args:
        hits: True or False (or 1 and 0), one a row.
        unit: what a cluster is, in the plural; n counts these.

    Raises:
        TooFewSamples: fewer than two clusters, where `clusters` is given.
        StatsError: values that are neither True nor False.

    >>> print(proportion([True] * 9 + [False], name="took the coin", unit="levels"))
    0.90 [0.60, 0.98] (n=10 levels)
    """
    column = numbers(hits, name=name)
    if not np.isin(column, (0, 1)).all():
        raise StatsError(f"{name}: a proportion is of True and False (or 1 and 0), got {np.unique(column)[:5]}")
    alpha = 1 - fraction(level, name=name, what="level")
    group = clustered(len(column), clusters, name=name)
    share = float(column.mean())
    z = float(special.ndtri(1 - alpha / 2))
    size, method = float(len(column)), "Wilson"
    if group.count < len(column):
        require(group.count, at_least=2, unit=unit, what=f"{name}: an interval")
        residuals = group.sums(column) - share * group.rows
        variance = group.count / (group.count - 1) * float(np.square(residuals).sum()) / len(column) ** 2
        t = float(special.stdtrit(group.count - 1, 1 - alpha / 2))
        size = float(group.count) if share in (0, 1) else size
        if 0 < share < 1 and variance > 0:
            size = min(size, share * (1 - share) / variance)
        size *= (z / t) ** 2
        method = f"Wilson, effective size {size:.4g} of {len(column)} rows"
    centre = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * (share * (1 - share) / size + z**2 / (4 * size**2)) ** 0.5
    return Estimate(
        name=name,
        value=share,
        low=max(0.0, min(share, centre - half)),  # at 0 and 1 the ends differ from the share by rounding
        high=min(1.0, max(share, centre + half)),
        n=group.count,
        unit=unit,
        null=null,
        level=level,
        method=method,
    )

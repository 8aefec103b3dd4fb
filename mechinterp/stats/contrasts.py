"""One condition against another: paired difference, difference of two samples, ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mechinterp.stats.averages import mean
from mechinterp.stats.checks import StatsError, UndefinedRatio, clustered, fraction, numbers, require
from mechinterp.stats.estimate import Estimate
from mechinterp.stats.nulls import sign_flip_test
from mechinterp.stats.resampling import RESAMPLES, interval, ratio_draws, ratio_influences, spread

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
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """The mean of `after - before`, row by row, compared with flips of the sign of each cluster's difference.

    Raises:
        TooFewSamples: fewer than two clusters.
        StatsError: lengths that differ, or values that are not finite.
    """
    a, b = numbers(after, name=f"{name}, after"), numbers(before, name=f"{name}, before")
    if a.shape != b.shape:
        raise StatsError(f"{name}: pairs need as many rows after as before, got {len(a)} and {len(b)}")
    estimate = mean(
        a - b, name=name, unit=unit, rng=rng, clusters=clusters, level=level, resamples=resamples
    )  # fmt: skip
    return estimate.against(sign_flip_test(a - b, unit=unit, rng=rng, clusters=clusters, level=level))


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
    values, draws, influences, sizes = [], [], [], []
    for part, own, labels in zip(("first", "second"), (first, second), clusters or (None, None), strict=True):
        column = numbers(own, name=f"{name}, {part} sample")
        group = clustered(len(column), labels, name=f"{name}, {part} sample")
        require(group.count, at_least=2, unit=unit, what=f"{name}, {part} sample: an interval")
        sums = group.sums(column)
        values.append(float(sums.sum() / group.rows.sum()))
        draws.append(ratio_draws(sums[:, None], group.rows, resamples, rng)[:, 0])
        influences.append(ratio_influences(sums, group.rows))
        sizes.append(group.count)
    value = values[0] - values[1]
    low, high, method = interval(value, draws[0] - draws[1], [influences[0], -influences[1]], level=level)
    method = f"{method}; {sizes[0]} and {sizes[1]} {unit}"
    return Estimate(name=name, value=value, low=low, high=high, n=sum(sizes), unit=unit, level=level, method=method)


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
    draws = ratio_draws(np.stack([shares, wholes], axis=1), group.rows, resamples, rng)
    if abs(whole) <= _CLEAR_OF_ZERO * error or (draws[:, 1] == 0).any():
        raise UndefinedRatio(
            f"{name}: the denominator, {whole:.4g} with standard error {error:.2g} (n={group.count} {unit}), cannot be "
            "told from 0 well enough to divide by it; report numerator and denominator by themselves"
        )
    value = float(shares.sum() / wholes.sum())
    low, high, method = interval(value, draws[:, 0] / draws[:, 1], [ratio_influences(shares, wholes)], level=level)
    return Estimate(name=name, value=value, low=low, high=high, n=group.count, unit=unit, level=level, method=method)

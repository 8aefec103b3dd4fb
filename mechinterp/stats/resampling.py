"""The interval of any statistic that can be bootstrapped: BCa, widened for small samples; Student's t below ten
clusters.

Which interval was chosen by simulation (`analyses/coverage.py`): the plain percentile interval covers too little below
50 clusters, and below ten (a handful of training seeds) resampling has too few values to draw from, so that only t
keeps its level. Means and ratios have a better one: `studentised`; and what has bounds, `bounded`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

from mechinterp.stats.checks import StatsError, generator

RESAMPLES = 2000
FEWEST_FOR_BOOTSTRAP = 10
_FEWEST_RESAMPLES = 100
_CHUNK = 4_000_000  # resampled indices held in memory at once


class Interval(NamedTuple):
    """The two ends, and how they were found."""

    low: float
    high: float
    method: str


def check_drawing(resamples: int, rng: np.random.Generator) -> None:
    """Refuse what is no generator, and too few resamples for a tail to be seen."""
    generator(rng, name="bootstrap")
    if resamples < _FEWEST_RESAMPLES:
        raise StatsError(f"resamples must be at least {_FEWEST_RESAMPLES} for a tail to be seen, got {resamples}")


def counts(
    clusters: int, resamples: int, rng: np.random.Generator, *, size: int | None = None
) -> Iterator[Float[np.ndarray, "draws clusters"]]:
    """How often each cluster is drawn (with replacement; `size`, by default as many as there are) in each resample.

    They come in chunks.
    """
    size = clusters if size is None else size
    check_drawing(resamples, rng)
    rows = max(1, min(resamples, _CHUNK // clusters))
    for start in range(0, resamples, rows):
        here = min(rows, resamples - start)
        drawn = rng.integers(0, clusters, size=(here, size), dtype=np.int64)
        drawn += np.arange(here)[:, None] * clusters
        yield np.bincount(drawn.ravel(), minlength=here * clusters).reshape(here, clusters).astype(float)


def spread(influences: Sequence[Float[np.ndarray, " clusters"]]) -> tuple[float, float]:
    """Standard error of a statistic and its degrees of freedom (Welch & Satterthwaite), from its influence values.

    Args:
        influences: for each independent sample, the influence on the statistic of each of its clusters (for a mean:
            value minus mean), which sum to 0.
    """
    parts = [float(np.square(u).sum()) / (len(u) * (len(u) - 1)) for u in influences]
    total = sum(parts)
    if total == 0:
        return 0.0, float(min(len(u) for u in influences) - 1)
    return total**0.5, total**2 / sum(v**2 / (len(u) - 1) for v, u in zip(parts, influences, strict=True))


def interval(
    value: float,
    draws: Float[np.ndarray, " resamples"],
    influences: Sequence[Float[np.ndarray, " clusters"]],
    *,
    level: float,
) -> Interval:
    """A confidence interval of `level` for a statistic that came out as `value`.

    Fewer than ten clusters in some sample: Student's t, with the standard error of `spread`. Otherwise the
    bias-corrected and accelerated bootstrap (Efron 1987) of `draws`, at tails moved outwards as t and the n - 1 in the
    variance would move them (Hesterberg 2015, section 5.3). Always contains `value`; a single point where every
    influence is 0.
    """
    error, freedom = spread(influences)
    if error <= 1e-14 * abs(value):  # nothing but rounding
        return Interval(value, value, "all clusters equal")
    alpha = (1 - level) / 2
    t = float(special.stdtrit(freedom, 1 - alpha))
    if min(len(u) for u in influences) < FEWEST_FOR_BOOTSTRAP:
        return Interval(value - t * error, value + t * error, f"t, {freedom:.3g} degrees of freedom")
    plugin = sum(float(np.square(u).sum()) / len(u) ** 2 for u in influences) ** 0.5
    low, high = bca(value, draws, influences, tail=float(special.ndtr(-t * error / plugin)))
    return Interval(min(low, value), max(high, value), f"BCa bootstrap, {len(draws)} resamples")


def bca(
    value: float,
    draws: Float[np.ndarray, " resamples"],
    influences: Sequence[Float[np.ndarray, " clusters"]],
    *,
    tail: float,
) -> tuple[float, float]:
    """The bias-corrected and accelerated interval that leaves out `tail` at each end (Efron 1987)."""
    slack = 1e-12 * float(np.abs(draws).max())  # draws that only rounding tells from the value are ties
    below = (np.count_nonzero(draws < value - slack) + np.count_nonzero(draws <= value + slack)) / (2 * len(draws))
    bias = float(special.ndtri(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws))))
    cubes = sum(float((u**3).sum()) / len(u) ** 3 for u in influences)
    squares = sum(float((u**2).sum()) / len(u) ** 2 for u in influences)
    acceleration = cubes / (6 * squares**1.5)
    z = bias + special.ndtri(np.array([tail, 1 - tail]))
    # |acceleration| is at most 1/6, so the denominator vanishes only for tails that no one asks for
    adjusted = special.ndtr(bias + z / np.maximum(1 - acceleration * z, 0.1))
    low, high = np.quantile(draws, adjusted)
    return float(low), float(high)


def jackknife_influences(left_out: Float[np.ndarray, " clusters"]) -> Float[np.ndarray, " clusters"]:
    """Influence values from the statistic with each cluster left out in turn (any constant may be added to it)."""
    return (len(left_out) - 1) * (left_out.mean() - left_out)


def ratio_influences(
    top: Float[np.ndarray, " clusters"], bottom: Float[np.ndarray, " clusters"]
) -> Float[np.ndarray, " clusters"]:
    """Influence values of sum(top) / sum(bottom); a mean is the case where `bottom` counts the rows of each cluster."""
    value = top.sum() / bottom.sum()
    # the jackknife in closed form, less the value itself, which would drown small influences in rounding
    return jackknife_influences(-(top - value * bottom) / (bottom.sum() - bottom))


def ratio_draws(
    top: Float[np.ndarray, "clusters columns"],
    bottom: Float[np.ndarray, " clusters"],
    resamples: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "resamples columns"]:
    """sum(top) / sum(bottom) of each column under each resample of the clusters."""
    return np.concatenate([weighed(w, top) / weighed(w, bottom[:, None]) for w in counts(len(top), resamples, rng)])


def totals(table: Float[np.ndarray, "clusters columns"]) -> Float[np.ndarray, " columns"]:
    """The sum of each column, to the last bit what it is of the column alone."""
    return np.array([np.ascontiguousarray(column).sum() for column in table.T])


def weighed(
    weights: Float[np.ndarray, "draws clusters"], sums: Float[np.ndarray, "clusters columns"]
) -> Float[np.ndarray, "draws columns"]:
    """`weights @ sums`, without BLAS, whose last bits change with the number of threads."""
    return np.stack([np.einsum("dc,c->d", weights, np.ascontiguousarray(column)) for column in sums.T], axis=1)

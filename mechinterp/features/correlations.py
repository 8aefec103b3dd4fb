"""The correlation between a number and which of two scenes it was read in, with intervals over levels.

For pairs of numbers b (present) and a (absent), Pearson's correlation of all 2n numbers with the label present is

    r = mean(b - a) / (2 s),    s = standard deviation of all 2n numbers (divided by 2n)

(the point-biserial correlation; Cohen's d = 2 r / sqrt(1 - r^2)). Unlike d it stays finite for a channel that is
silent without the object, and it compares channels and layers of any scale.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64

from mechinterp.stats.checks import clustered, fraction, require
from mechinterp.stats.estimate import Estimate
from mechinterp.stats.resampling import RESAMPLES, counts, interval, jackknife_influences, weighed

_COLUMNS = 512  # channels bootstrapped at once
_ROUNDING = 1e-6  # spreads of no more than this share of the size of the numbers are float32 rounding


def correlations(
    present: Float[np.ndarray, "pairs channels"], absent: Float[np.ndarray, "pairs channels"]
) -> Float[np.ndarray, " channels"]:
    """The r of each channel; 0 where all its numbers are the same."""
    sums = _moments(present, absent).sum(0)
    return _r(sums, len(present))


def estimates(
    present: Float[np.ndarray, "pairs channels"],
    absent: Float[np.ndarray, "pairs channels"],
    *,
    names: Sequence[str],
    clusters: Int64[np.ndarray, " pairs"],
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> list[Estimate]:
    """The r of each channel with its interval over levels (`stats.resampling.interval`), all from the same resamples.

    Raises:
        TooFewSamples: fewer than two levels.
        StatsError: a level of confidence that is not between 0 and 1.
    """
    level = fraction(level, name="contrasts", what="level")
    group = clustered(len(present), clusters, name="contrasts")
    require(group.count, at_least=2, unit="levels", what="contrasts: an interval")
    weights = np.concatenate(list(counts(group.count, resamples, rng)))
    rows = weighed(weights, group.rows[:, None])
    found = []
    for at in range(0, present.shape[1], _COLUMNS):
        here = slice(at, at + _COLUMNS)
        sums = group.sums(_moments(present[:, here], absent[:, here]))
        flat = sums.reshape(group.count, -1)
        values = _r(sums.sum(0), len(present))
        draws = _r(weighed(weights, flat).reshape(resamples, *sums.shape[1:]), rows)
        left_out = _r(sums.sum(0) - sums, (len(present) - group.rows)[:, None])
        for column, value in enumerate(values.tolist()):
            influences = jackknife_influences(left_out[:, column])
            low, high, method = interval(value, draws[:, column], [influences], level=level)
            found.append(
                Estimate(
                    name=names[at + column],
                    value=value,
                    low=max(low, -1.0),
                    high=min(high, 1.0),
                    n=group.count,
                    unit="levels",
                    level=level,
                    method=method,
                )
            )
    return found


def _moments(
    present: Float[np.ndarray, "pairs channels"], absent: Float[np.ndarray, "pairs channels"]
) -> Float[np.ndarray, "pairs 3 channels"]:
    """What r is made of, pair by pair: difference, sum and sum of squares, after taking off the overall mean."""
    b, a = present.astype(np.float64), absent.astype(np.float64)
    middle = (b.mean(0) + a.mean(0)) / 2
    size = np.maximum(np.abs(b).max(0), np.abs(a).max(0))
    b, a = b - middle, a - middle
    constant = np.maximum(np.abs(b).max(0), np.abs(a).max(0)) <= _ROUNDING * size
    b[:, constant] = a[:, constant] = 0
    return np.stack([b - a, b + a, b**2 + a**2], axis=1)


def _r(sums: Float[np.ndarray, "*draws 3 channels"], pairs: Float[np.ndarray, "*draws 1"] | int) -> np.ndarray:
    difference, total, squares = np.moveaxis(sums, -2, 0) / pairs
    variance = squares / 2 - (total / 2) ** 2
    safe = variance > 1e-12 * np.maximum(squares, 1e-300)
    r = np.divide(difference, 2 * np.sqrt(np.where(safe, variance, 1)), out=np.zeros_like(variance), where=safe)
    return r.clip(-1, 1)

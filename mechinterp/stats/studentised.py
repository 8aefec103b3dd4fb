"""The bootstrap of a mean (or a ratio of means) that is divided by its standard error: one method for interval and p.

Resamples of half the clusters (Hall 1992, "The Bootstrap and Edgeworth Expansion", section 3.5, for the bootstrap-t;
Bickel, Goetze & van Zwet 1997, Statistica Sinica 7, for fewer draws than data). A small sample of a skewed quantity
hides its own skew, so that a bootstrap-t of full size still rejects a true mean of 0 in 7 % of 20 lognormal levels; of
half the size, the skew counts for more, and it is 6 %. What the size alone changes is taken out again through the
quantiles of Student's t. The interval is never shorter than Student's, nor the p smaller: with heavy symmetric tails
the bootstrap alone is too short.

No test that sees the levels alone helps where none of them shows what makes the mean: if one level in ten has all of
the effect, 12 % of samples of 20 miss it. `analyses/coverage.py` counts all of this.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special

from mechinterp.stats.estimate import Null
from mechinterp.stats.resampling import (
    FEWEST_FOR_BOOTSTRAP,
    Interval,
    check_drawing,
    counts,
    ratio_influences,
    spread,
    totals,
    weighed,
)

_SHARE = 0.5
"""Clusters in a resample, as a share of all."""
_FLOOR = 0.01
"""The least variance of a resample, as a share of the sample's: one whose clusters are all alike has no other end."""


class Studentised(NamedTuple):
    """Columns of means, or of ratios, with their resamples."""

    value: Float[np.ndarray, " columns"]
    error: Float[np.ndarray, " columns"]
    """Standard error; 0 where nothing but rounding differs."""
    freedom: Float[np.ndarray, " columns"]
    """Degrees of freedom (Welch & Satterthwaite where there are two samples)."""
    deviation: Float[np.ndarray, "resamples columns"]
    """Of a resample from the value."""
    variance: Float[np.ndarray, "resamples columns"]
    """The squared standard error of a resample, at least `_FLOOR` of what its size lets expect."""
    drawn: Float[np.ndarray, " columns"]
    """Degrees of freedom of a resample."""
    clusters: int
    """In the smallest sample."""

    def minus(self, other: Studentised) -> Studentised:
        """The differences of two independent samples, column by column."""
        total = self.error**2 + other.error**2
        parts = self.error**4 / self.freedom + other.error**4 / other.freedom
        fewer = self.error**4 / self.drawn + other.error**4 / other.drawn
        known = total > 0
        least, fewest = np.minimum(self.freedom, other.freedom), np.minimum(self.drawn, other.drawn)
        return Studentised(
            value=self.value - other.value,
            error=total**0.5,
            freedom=np.divide(total**2, parts, out=least, where=known),
            deviation=self.deviation - other.deviation,
            variance=self.variance + other.variance,
            drawn=np.divide(total**2, fewer, out=fewest, where=known),
            clusters=min(self.clusters, other.clusters),
        )

    def intervals(self, level: float) -> list[Interval]:
        """A confidence interval of `level` for each column: all values that `nulls` would not reject at 1 - level."""
        low, high = self._critical(level)
        method = self._method
        return [
            Interval(value, value, "all clusters equal")
            if error == 0
            else Interval(value - above * error, value - below * error, method)
            for value, error, below, above in zip(
                *map(np.ndarray.tolist, (self.value, self.error, low, high)), strict=True
            )
        ]

    def nulls(self, level: float, *, unit: str) -> list[Null]:
        """The null hypothesis that the mean is 0: the range that the mean would then keep to, and the p of both
        sides.
        """
        low, high = self._critical(level)
        description = f"a mean of 0 over {unit} ({self._method})"
        return [
            Null(description=description, value=0.0, low=below * error, high=above * error, p=p)
            for error, below, above, p in zip(*map(np.ndarray.tolist, (self.error, low, high, self.p())), strict=True)
        ]

    def p(self, at: float = 0.0) -> Float[np.ndarray, " columns"]:
        """Two-sided p of the hypothesis that the mean is `at`."""
        below, above = self.tails(at)
        return np.minimum(1, 2 * np.minimum(below, above))

    def tails(self, at: float) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
        """One-sided p: of a statistic as low as this, and as high, if the mean were `at`.

        Where all n clusters are equal, it is the probability that n signs agree.
        """
        t = np.divide(self.value - at, self.error, out=np.zeros_like(self.value), where=self.error > 0)
        below, above = special.stdtr(self.freedom, t), special.stdtr(self.freedom, -t)
        if self.clusters >= FEWEST_FOR_BOOTSTRAP:
            drawn, reached = self._t(), _carried(t, self.freedom, self.drawn)
            slack = 1e-9 * np.maximum(np.abs(reached), 1)
            below = np.maximum(below, (1 + (drawn <= reached + slack).sum(0)) / (1 + len(drawn)))
            above = np.maximum(above, (1 + (drawn >= reached - slack).sum(0)) / (1 + len(drawn)))
        alike = 0.5**self.clusters
        gap = np.where(self.error > 0, 0, self.value - at)
        known = self.error > 0
        return (
            np.where(known, below, np.where(gap < 0, alike, 1.0)),
            np.where(known, above, np.where(gap > 0, alike, 1.0)),
        )

    @property
    def _method(self) -> str:
        if self.clusters < FEWEST_FOR_BOOTSTRAP:
            return f"t, {self.freedom[0]:.3g} degrees of freedom"
        return f"bootstrap-t, {len(self.deviation)} resamples of half the clusters; at least Student's t"

    def _critical(self, level: float) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
        """Beyond which t, below and above, `level` does not hold."""
        alpha = (1 - level) / 2
        student = special.stdtrit(self.freedom, 1 - alpha)
        if self.clusters < FEWEST_FOR_BOOTSTRAP:
            return -student, student
        t, count = self._t(), len(self.deviation)
        tail = max(1, int(alpha * (count + 1) + 1e-9))
        t = np.partition(t, (tail - 1, count - tail), axis=0)
        low, high = (_carried(t[at], self.drawn, self.freedom) for at in (tail - 1, count - tail))
        return np.minimum(low, -student), np.maximum(high, student)

    def _t(self) -> Float[np.ndarray, "resamples columns"]:
        out = np.zeros_like(self.deviation)
        return np.divide(self.deviation, np.sqrt(self.variance), out=out, where=self.variance > 0)


def studentised(
    top: Float[np.ndarray, "clusters columns"],
    bottom: Float[np.ndarray, "clusters columns"] | Float[np.ndarray, " clusters"],
    resamples: int,
    rng: np.random.Generator,
) -> Studentised:
    """sum(top) / sum(bottom) of each column, over clusters; a mean is the case where `bottom` counts their rows.

    The variance of a resample is that of the linearised ratio.
    """
    below = np.broadcast_to(bottom[:, None] if bottom.ndim == 1 else bottom, top.shape)
    check_drawing(resamples, rng)
    n, whole = len(top), totals(below)
    value = totals(top) / whole
    found = [spread([ratio_influences(one, other)]) for one, other in zip(top.T, below.T, strict=True)]
    error = np.array([0.0 if e <= 1e-14 * abs(v) else e for v, (e, _) in zip(value, found, strict=True)])
    size = max(2, round(_SHARE * n)) if n >= FEWEST_FOR_BOOTSTRAP else n
    left = top - value * below
    squares = np.stack([left**2, left * below, below**2])
    equal = bottom.ndim == 1 and np.ptp(bottom) == 0
    deviation, variance = [], []
    for weights in counts(n, resamples, rng, size=size) if n >= FEWEST_FOR_BOOTSTRAP else ():
        down = np.broadcast_to(whole / n * size, (len(weights), top.shape[1])) if equal else weighed(weights, below)
        known = down != 0  # the t of a ratio tends to 0 where its denominator does
        moved = np.divide(weighed(weights, left), down, out=np.zeros(down.shape), where=known)
        rest = weighed(weights, squares[0])
        if equal:
            rest -= moved**2 * down**2 / size
        else:
            rest += moved**2 * weighed(weights, squares[2]) - 2 * moved * weighed(weights, squares[1])
        own = np.divide(size / (size - 1) * rest, down**2, out=np.ones(down.shape), where=known)
        deviation.append(moved)
        variance.append(np.maximum(own, _FLOOR * error**2 * n / size))
    empty = np.zeros((0, top.shape[1]))
    return Studentised(
        value=value,
        error=error,
        freedom=np.full(top.shape[1], n - 1.0),
        deviation=np.concatenate(deviation) if deviation else empty,
        variance=np.concatenate(variance) if variance else empty,
        drawn=np.full(top.shape[1], size - 1.0),
        clusters=n,
    )


def _carried(
    t: Float[np.ndarray, " columns"], freedom: Float[np.ndarray, " columns"], other: Float[np.ndarray, " columns"]
) -> Float[np.ndarray, " columns"]:
    """The t of `other` degrees of freedom that leaves the same tail as `t` does with `freedom`."""
    return np.sign(t) * -special.stdtrit(other, special.stdtr(freedom, -np.abs(t)))

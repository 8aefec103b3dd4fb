"""Is an effect too small to matter? Two one-sided tests (Schuirmann 1987)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mechinterp.stats.averages import TEST_RESAMPLES
from mechinterp.stats.checks import StatsError, clustered, fraction, numbers, require
from mechinterp.stats.estimate import Estimate, as_reals, fields_of
from mechinterp.stats.studentised import studentised


@dataclass(frozen=True, kw_only=True)
class Equivalence:
    """Whether a mean is equivalent to 0: shown to lie within `low .. high`, not merely found not to differ."""

    estimate: Estimate
    """The mean, with its interval of level 1 - 2 alpha: it lies within the margin exactly when p <= alpha."""
    low: float
    high: float
    """The margin: the largest effects that would not matter."""
    alpha: float
    p: float
    """The larger p of the two one-sided tests."""

    def __post_init__(self) -> None:
        as_reals(self, "low", "high", "alpha", "p")
        if not (self.low < 0 < self.high and 0 < self.alpha < 0.5 and 0 <= self.p <= 1):
            raise StatsError(
                f"equivalence of {self.estimate.name!r}: needs low < 0 < high, 0 < alpha < 0.5 and 0 <= p <= 1, got "
                f"low {self.low}, high {self.high}, alpha {self.alpha}, p {self.p}"
            )

    @property
    def shown(self) -> bool:
        """True where equivalence is shown; False means not shown, not that there is a difference."""
        return self.p <= self.alpha

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes without loss."""
        return {**vars(self), "estimate": self.estimate.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`. Raises StatsError for missing, unknown or invalid fields."""
        fields = fields_of(cls, data)
        return cls(**{**fields, "estimate": Estimate.from_dict(fields["estimate"])})


def equivalence(
    differences: ArrayLike,
    *,
    margin: float | tuple[float, float],
    name: str,
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    alpha: float = 0.05,
    resamples: int = TEST_RESAMPLES,
) -> Equivalence:
    """Test whether the mean of `differences` lies within the margin, by two one-sided tests over clusters.

    Each is the test of `effect` (`studentised`), never more lenient than Student's. A negative answer needs this: an
    effect that is not shown is not shown to be small.

    Args:
        differences: one number a row.
        margin: the largest effect that would not matter, in the units of the differences: one number for both sides, or
            (low, high). To be fixed before the data are seen; the null interval of random edits is one source of it.
        unit: what a cluster is, in the plural; n counts these.
        clusters: the cluster of each row; by default each row is its own.

    Raises:
        TooFewSamples: fewer than two clusters.
        StatsError: a margin that does not enclose 0, or values that are not finite.
    """
    low, high = margin if isinstance(margin, tuple) else (-margin, margin)
    if not (math.isfinite(low) and math.isfinite(high) and low < 0 < high):
        raise StatsError(f"{name}: the margin must enclose 0 (low < 0 < high), got {low} .. {high}")
    alpha = fraction(alpha, name=name, what="alpha")
    if alpha >= 0.5:
        raise StatsError(f"{name}: alpha must be below 0.5 for an interval of level 1 - 2 alpha, got {alpha}")
    column = numbers(differences, name=name)
    group = clustered(len(column), clusters, name=name)
    require(group.count, at_least=2, unit=unit, what=f"{name}: an equivalence test")
    found = studentised(group.sums(column)[:, None], group.rows, resamples, rng)
    ((bottom, top, method),) = found.intervals(1 - 2 * alpha)
    value = float(found.value[0])
    if found.error[0] > 0:
        p = float(max(found.tails(low)[1][0], found.tails(high)[0][0]))
    else:  # all differences are the same number: it lies within the margin or it does not
        p = 0.0 if low < value < high else 1.0
    estimate = Estimate(
        name=name, value=value, low=bottom, high=top, n=group.count, unit=unit, level=1 - 2 * alpha, method=method
    )
    return Equivalence(estimate=estimate, low=float(low), high=float(high), alpha=alpha, p=p)

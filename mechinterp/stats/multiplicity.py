"""Many tests at once: the false discovery rate (Benjamini & Hochberg) and the family-wise error (Holm; maximum)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal, overload

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from mechinterp.stats.checks import StatsError, numbers
from mechinterp.stats.estimate import Estimate


def benjamini_hochberg(p: ArrayLike) -> Float[np.ndarray, " tests"]:
    """P values adjusted so that rejecting those up to q keeps the expected share of false discoveries at q or less.

    For independent or positively dependent tests (Benjamini & Hochberg 1995).

    Raises:
        StatsError: a p outside 0..1 or not finite.

    >>> benjamini_hochberg([0.001, 0.02, 0.03, 0.8]).round(3).tolist()
    [0.004, 0.04, 0.04, 0.8]
    """
    raw = _probabilities(p)
    order = np.argsort(raw)
    scaled = raw[order] * len(raw) / np.arange(1, len(raw) + 1)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1)
    return adjusted


def holm(p: ArrayLike) -> Float[np.ndarray, " tests"]:
    """P values adjusted so that rejecting those up to alpha makes even one false rejection no likelier than alpha.

    Whatever the dependence of the tests (Holm 1979).

    Raises:
        StatsError: a p outside 0..1 or not finite.
    """
    raw = _probabilities(p)
    order = np.argsort(raw)
    scaled = raw[order] * np.arange(len(raw), 0, -1)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.maximum.accumulate(scaled).clip(max=1)
    return adjusted


def maximum_statistic(
    observed: Float[np.ndarray, " tests"], draws: Float[np.ndarray, "draws tests"]
) -> Float[np.ndarray, " tests"]:
    """P values corrected for all tests at once by the maximum of each draw of the null (Westfall & Young 1993).

    (1 + draws in which any test has as large a statistic) / (1 + draws), one-sided; hand over absolute values for two
    sides. Where nothing is to be found and the observed statistics are exchangeable with a draw's, the chance that any
    p is alpha or less is at most alpha, whatever the dependence between the tests. With n draws no p is below
    1 / (n + 1).

    Args:
        observed: the statistic of each test; statistics of different tests must be comparable (brought to one scale).
        draws: the same under the null, a row a draw.

    Raises:
        StatsError: shapes that do not fit, or values that are not finite.
    """
    own, null = _statistics(observed, draws)
    largest = np.sort(null.max(1))
    reached = len(largest) - np.searchsorted(largest, own - _slack(own, null), side="left")
    return (1 + reached) / (1 + len(largest))


def pooled_false_discovery(
    observed: Float[np.ndarray, " tests"], draws: Float[np.ndarray, "draws tests"]
) -> Float[np.ndarray, " tests"]:
    """The false discovery rate of each test, its p ranked among the statistics of all tests of all draws.

    The pool allows far smaller p values than there are draws, at the price of taking the tests as exchangeable and
    those of one draw as independent: `maximum_statistic` is stricter and needs neither.

    Args:
        observed, draws: as in `maximum_statistic`.

    Raises:
        StatsError: see `maximum_statistic`.
    """
    own, null = _statistics(observed, draws)
    pool = np.sort(null.ravel())
    reached = len(pool) - np.searchsorted(pool, own - _slack(own, null), side="left")
    return benjamini_hochberg((1 + reached) / (1 + len(pool)))


Correction = Literal["holm", "benjamini-hochberg"]


@overload
def correct(estimates: Mapping[str, Estimate], *, method: Correction = "holm") -> dict[str, Estimate]: ...
@overload
def correct(estimates: Sequence[Estimate], *, method: Correction = "holm") -> list[Estimate]: ...
def correct(
    estimates: Mapping[str, Estimate] | Sequence[Estimate], *, method: Correction = "holm"
) -> dict[str, Estimate] | list[Estimate]:
    """The same estimates, the p of each null adjusted for their number and its description saying so.

    Hand over the whole family that a headline is drawn from, by name or in order. Intervals are left as they are: they
    cover one at a time.

    Raises:
        StatsError: an estimate without a null or without a p, or an unknown method.
    """
    if isinstance(estimates, Mapping):
        return dict(zip(estimates, correct(list(estimates.values()), method=method), strict=True))
    methods = {"holm": holm, "benjamini-hochberg": benjamini_hochberg}
    if method not in methods:
        raise StatsError(f"unknown correction {method!r}; known: {', '.join(map(repr, methods))}")
    nulls = []
    for estimate in estimates:
        if estimate.null is None or estimate.null.p is None:
            raise StatsError(f"estimate {estimate.name!r} has no p value to correct; hold it against a null first")
        nulls.append(estimate.null)
    if not nulls:
        return []
    label = {"holm": "Holm", "benjamini-hochberg": "Benjamini-Hochberg"}[method]
    adjusted = methods[method]([null.p for null in nulls]).tolist()
    return [
        estimate.against(
            dataclasses.replace(null, p=p, description=f"{null.description}; p by {label} over {len(nulls)} tests")
        )
        for estimate, null, p in zip(estimates, nulls, adjusted, strict=True)
    ]


def _probabilities(p: ArrayLike) -> Float[np.ndarray, " tests"]:
    raw = numbers(p, name="p values")
    if raw.min() < 0 or raw.max() > 1:
        raise StatsError(f"p values must lie in 0..1, got {raw.min():.6g} to {raw.max():.6g}")
    return raw


def _statistics(
    observed: ArrayLike, draws: ArrayLike
) -> tuple[Float[np.ndarray, " tests"], Float[np.ndarray, "draws tests"]]:
    own, null = numbers(observed, name="observed statistics"), numbers(draws, name="null statistics", ndim=2)
    if null.shape[1] != len(own):
        raise StatsError(f"null statistics: {null.shape[1]} tests a draw, but {len(own)} were observed")
    return own, null


def _slack(own: np.ndarray, null: np.ndarray) -> float:
    """Statistics that differ by rounding alone are ties."""
    return 1e-12 * max(float(np.abs(own).max()), float(np.abs(null).max()))

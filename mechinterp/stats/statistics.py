"""Any statistic of weighted rows, with a cluster bootstrap interval."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from mechinterp.stats.bounded import worst_cases
from mechinterp.stats.checks import StatsError, clustered, fraction, numbers, require
from mechinterp.stats.estimate import Estimate
from mechinterp.stats.resampling import RESAMPLES, counts, interval, jackknife_influences

Statistic = Callable[[Float[np.ndarray, "draws rows"]], Float[np.ndarray, " draws"]]

_CHUNK = 4_000_000  # weights of rows held in memory at once
_FEWEST_PER_CLASS = 20  # then a resample without one of the classes has probability e^-20


def bootstrap(
    statistic: Statistic,
    *,
    rows: int,
    name: str,
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Any statistic, with a cluster bootstrap interval (see `resampling.interval`).

    Args:
        statistic: the statistic under each of many weightings of the rows (how often each was drawn), for example
            `lambda w: (w * x * y).sum(1) / (w * x**2).sum(1)` for a slope through the origin.
        rows: how many rows there are.
        unit: what a cluster is, in the plural; n counts these.
        clusters: the cluster of each row; by default each row is its own.

    Raises:
        TooFewSamples: fewer than two clusters.
        StatsError: the statistic is not finite on the data, without one of the clusters, or under some resample.
    """
    level = fraction(level, name=name, what="level")
    group = clustered(rows, clusters, name=name)
    require(group.count, at_least=2, unit=unit, what=f"{name}: an interval")

    def evaluate(weightings: Iterable[Float[np.ndarray, "draws clusters"]], what: str) -> Float[np.ndarray, " draws"]:
        out = []
        for weights in weightings:
            for part in np.array_split(weights, math.ceil(len(weights) * rows / _CHUNK)):
                found = np.asarray(statistic(part[:, group.index]), dtype=float)
                if found.shape != (len(part),):
                    raise StatsError(f"{name}: the statistic must give a number a weighting, got shape {found.shape}")
                out.append(found)
        found = np.concatenate(out)
        if not np.isfinite(found).all():
            bad = int((~np.isfinite(found)).sum())
            raise StatsError(f"{name}: the statistic is not finite {what} ({bad} of {len(found)} times)")
        return found

    (value,) = evaluate([np.ones((1, group.count))], "on the data").tolist()
    left_out = evaluate([1 - np.eye(group.count)], "when one cluster is left out")
    draws = evaluate(counts(group.count, resamples, rng), "under some resamples")
    low, high, method = interval(value, draws, [jackknife_influences(left_out)], level=level)
    return Estimate(name=name, value=value, low=low, high=high, n=group.count, unit=unit, level=level, method=method)


def auroc(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    name: str,
    unit: str,
    rng: np.random.Generator,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """The area under the ROC curve: how often a positive's score is above a negative's, ties counting half.

    0.5 is chance. n counts the clusters of both classes. Each end of the interval is the farther of the bootstrap's and
    of a worst-case bound (as in `bounded`): clusters weighed at random, with one more whose positives are below all
    negatives and whose negatives are above all positives, or the other way around. It is that of perfect separation
    too.

    Args:
        scores: one number a row.
        labels: True (or 1) for positives and False (or 0) for negatives.

    Raises:
        TooFewSamples: fewer than 20 clusters with positives, or with negatives.
        StatsError: labels that are neither, lengths that differ, or scores that are not finite.
    """
    score, label = numbers(scores, name=f"{name}, scores"), numbers(labels, name=f"{name}, labels")
    if score.shape != label.shape:
        raise StatsError(f"{name}: needs a label for each score, got {len(label)} labels and {len(score)} scores")
    if not np.isin(label, (0, 1)).all():
        raise StatsError(f"{name}: labels must be True and False (or 1 and 0), got {np.unique(label)[:5]}")
    group = clustered(len(score), clusters, name=name)
    for value, kind in ((1, "positives"), (0, "negatives")):
        have = len(np.unique(group.index[label == value]))
        require(have, at_least=_FEWEST_PER_CLASS, unit=f"{unit} with {kind}", what=f"{name}: an interval")
    order = np.argsort(score, kind="stable")
    positive = label[order] == 1
    _, starts = np.unique(score[order], return_index=True)

    def pairs(weights: Float[np.ndarray, "draws rows"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The weight of pairs in order, of positives, and of negatives."""
        ranked = weights[:, order]
        above = np.add.reduceat(ranked * positive, starts, axis=1)  # weight of each tied score's positives
        below = np.add.reduceat(ranked * ~positive, starts, axis=1)
        beaten = np.cumsum(below, axis=1) - below / 2
        return (above * beaten).sum(1), above.sum(1), below.sum(1)

    def area(weights: Float[np.ndarray, "draws rows"]) -> Float[np.ndarray, " draws"]:
        ordered, positives, negatives = pairs(weights)
        return ordered / (positives * negatives)

    found = bootstrap(
        area, rows=len(score), name=name, unit=unit, rng=rng, clusters=clusters, level=level, resamples=resamples
    )
    worst, best = [], []
    typical = label.mean() * len(score) / group.count, (1 - label).mean() * len(score) / group.count
    for weights, unseen in worst_cases(group.count, resamples, rng):
        split = math.ceil(len(weights) * len(score) / _CHUNK)
        for part, share in zip(np.array_split(weights, split), np.array_split(unseen, split), strict=True):
            ordered, positives, negatives = pairs(part[:, group.index])
            more = part.sum(1) * share / (1 - share)
            every = (positives + more * typical[0]) * (negatives + more * typical[1])
            worst.append(ordered / every)
            best.append(1 - (positives * negatives - ordered) / every)
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(worst), tail), np.quantile(np.concatenate(best), 1 - tail)
    return dataclasses.replace(
        found, low=min(found.low, float(low)), high=min(1.0, max(found.high, float(high))),
        method=f"{found.method}, at least the worst-case bound",
    )  # fmt: skip


def areas(
    positives: Float[np.ndarray, "positives columns"], negatives: Float[np.ndarray, "negatives columns"]
) -> Float[np.ndarray, " columns"]:
    """The area under the ROC curve of each column, without intervals: see `auroc`.

    From the ranks (Mann & Whitney 1947), so that ties count half.

    Raises:
        StatsError: no positives or no negatives, columns that differ in number, or values that are not finite.
    """
    high = numbers(positives, name="areas, positives", ndim=2)
    low = numbers(negatives, name="areas, negatives", ndim=2)
    if high.shape[1] != low.shape[1]:
        raise StatsError(f"areas: {high.shape[1]} columns of positives, {low.shape[1]} of negatives")
    ranks = rankdata(np.concatenate([high, low]), axis=0)
    return (ranks[: len(high)].sum(0) - len(high) * (len(high) + 1) / 2) / (len(high) * len(low))

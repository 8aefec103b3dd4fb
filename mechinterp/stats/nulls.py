"""What a difference would be if two samples were exchangeable: permutations of whole clusters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from mechinterp.stats.checks import StatsError, TooFewSamples, clustered, fraction, generator, numbers
from mechinterp.stats.estimate import Null
from mechinterp.stats.resampling import weighed

DRAWS = 10_000
_CHUNK = 4_000_000  # deals held in memory at once


def permutation_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    unit: str,
    rng: np.random.Generator,
    clusters: tuple[ArrayLike, ArrayLike] | None = None,
    alpha: float | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
) -> Null:
    """The null of the difference of two samples' means: whole clusters dealt out again between the two samples.

    All ways to deal where there are no more than `draws` of them, else `draws` random ones; p is two-sided. It tests
    whether the samples come from one distribution: with unequal sizes and variances it may reject for the latter.

    Raises:
        TooFewSamples: p could not come down to `alpha` however the samples differed.
        StatsError: values that are not finite, or labels that occur in both samples.
    """
    generator(rng, name="permutation test")
    parts = [
        numbers(own, name=f"permutation test, {part} sample") for part, own in (("first", first), ("second", second))
    ]
    pair = clusters or (None, None)
    groups = [clustered(len(own), labels, name="permutation test") for own, labels in zip(parts, pair, strict=True)]
    if clusters is not None and np.intersect1d(np.asarray(pair[0]), np.asarray(pair[1])).size:
        raise StatsError("permutation test: some clusters are in both samples; use paired_difference")
    sums = np.concatenate([group.sums(own) for group, own in zip(groups, parts, strict=True)])
    rows = np.concatenate([group.rows for group in groups])
    here, count = groups[0].count, len(sums)
    ways = math.comb(count, here)
    if alpha is not None and 2 / ways > fraction(alpha, name="permutation test", what="alpha"):
        smaller = min(here, count - here)
        need = next(n for n in itertools.count(count) if 2 / math.comb(n, smaller) <= alpha)
        what = f"permutation test at alpha {alpha} with {smaller} {unit} in the smaller sample"
        raise TooFewSamples(what, have=count, need=need, unit=f"{unit} in all")
    complete = ways <= draws
    deals = _all_deals(count, here, ways) if complete else _random_deals(count, here, draws, rng)
    dealt = np.concatenate([_mean_differences(part, sums, rows) for part in deals])
    how = f"all {ways}" if complete else f"{draws} random"
    observed = float(parts[0].mean() - parts[1].mean())
    description = f"{unit} dealt out again between the two samples ({how} ways)"
    return Null.from_draws(observed, dealt, description=description, level=level, complete=complete)


def _mean_differences(
    dealt: Bool[np.ndarray, "draws clusters"],
    sums: Float[np.ndarray, " clusters"],
    rows: Float[np.ndarray, " clusters"],
) -> Float[np.ndarray, " draws"]:
    both = weighed(dealt.astype(float), np.stack([sums, rows], axis=1))
    return both[:, 0] / both[:, 1] - (sums.sum() - both[:, 0]) / (rows.sum() - both[:, 1])


def _all_deals(count: int, here: int, ways: int) -> Iterator[Bool[np.ndarray, "ways clusters"]]:
    dealt = np.zeros((ways, count), dtype=bool)
    chosen = np.array(list(itertools.combinations(range(count), here)))
    dealt[np.arange(ways)[:, None], chosen] = True
    yield dealt


def _random_deals(
    count: int, here: int, draws: int, rng: np.random.Generator
) -> Iterator[Bool[np.ndarray, "draws clusters"]]:
    for part in _parts(count, draws):
        yield rng.permuted(np.tile(np.arange(count) < here, (part, 1)), axis=1)


def _parts(count: int, draws: int) -> Iterator[int]:
    """`draws` in parts that fit in memory."""
    most = max(1, _CHUNK // count)
    for start in range(0, draws, most):
        yield min(most, draws - start)

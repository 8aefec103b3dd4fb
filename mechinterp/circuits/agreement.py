"""How far an approximate ranking can be trusted: its rank correlation with the exact one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float64, Int64

from mechinterp import stats
from mechinterp.circuits.errors import CircuitError
from mechinterp.stats.bounded import worst_cases
from mechinterp.stats.resampling import RESAMPLES

FEWEST = 5
"""Parts that a rank correlation needs at least."""
_SHUFFLES = 999


def check_enough(parts: int, compared: int, unit: str) -> None:
    if compared < FEWEST or parts < FEWEST:
        raise CircuitError(
            f"attribution is always compared with exact patching, on at least {FEWEST} {unit}; there are {parts}, and "
            f"compared={compared}. So few are quicker patched exactly"
        )


def sample_to_compare(
    scores: Float64[np.ndarray, "metrics parts pairs"], compared: int, rng: np.random.Generator
) -> Int64[np.ndarray, " compared"]:
    """Half with the largest mean scores (in size; the larger share of the largest over metrics), half at random.

    Most effects are next to nothing: a sample at random alone may hold none of those that a ranking is made for.
    """
    sizes = np.abs(scores.mean(2))
    largest = sizes.max(1, keepdims=True)
    order = np.argsort(-np.divide(sizes, largest, out=np.zeros_like(sizes), where=largest > 0).max(0), kind="stable")
    count = min(len(order), compared)
    top, others = np.split(order, [count // 2])
    return np.sort(np.concatenate([top, rng.choice(others, size=count - len(top), replace=False)])).astype(np.int64)


def rank_agreement(
    approximate: Float64[np.ndarray, " parts"],
    exact: Float64[np.ndarray, " parts"],
    *,
    name: str,
    unit: str,
    rng: np.random.Generator,
) -> stats.Estimate:
    """Spearman's rank correlation, ties at their middle rank, with a bootstrap interval over parts and shuffled ones as
    its null. The interval ends at -1 and 1: of few parts, where it is that of Student, it would go beyond.

    Each resample is ranked again. One in which either side is all alike counts as 0; so does a constant `approximate`,
    which ranks nothing. Where the exact effects are all alike there is no order to agree with: 0, and `method` says so.

    Args:
        unit: what the parts are, in the plural.

    Raises:
        CircuitError: fewer than 5 parts.
    """
    if len(exact) < FEWEST:
        raise CircuitError(f"{name}: a rank correlation needs at least {FEWEST} {unit}, got {len(exact)}")
    if np.ptp(exact) == 0:
        note = f"no interval: the exact effects of all are the same ({exact[0]:g}), so there is no order to agree with"
        return stats.Estimate(name=name, value=0.0, low=0.0, high=0.0, n=len(exact), unit=unit, method=note)
    below = [_below(np.asarray(side, np.float64)) for side in (approximate, exact)]

    def spearman(weights: Float[np.ndarray, "draws parts"]) -> Float[np.ndarray, " draws"]:
        return _correlation(weights, *(weights @ matrix.T for matrix in below))

    found = stats.bootstrap(spearman, rows=len(exact), name=name, unit=unit, rng=rng)
    found = _within(_widened(found, below, rng))
    ones = np.ones((1, len(exact)))
    ranks = [(ones @ matrix.T)[0] for matrix in below]
    shuffled = np.stack([rng.permutation(ranks[0]) for _ in range(_SHUFFLES)])
    draws = _correlation(np.ones_like(shuffled), shuffled, np.broadcast_to(ranks[1], shuffled.shape))
    return found.against(stats.Null.from_draws(found.value, draws, description=f"{unit} shuffled"))


def _widened(
    found: stats.Estimate, below: Sequence[Float64[np.ndarray, "parts parts"]], rng: np.random.Generator
) -> stats.Estimate:
    """Each end at least as far as one more part would move it that contradicts (or agrees) as much as a part can.

    So few parts whose order agrees perfectly do not show that others would (see `stats.bounded`).
    """
    first, last = (np.pad(matrix, (0, 1)) for matrix in below)
    first[:-1, -1] = last[-1, :-1] = 1.0  # the part is lowest on one side, and highest on the other
    first[-1, -1] = last[-1, -1] = 0.5
    low, high, tail = found.low, found.high, (1 - found.level) / 2
    for weights, share in worst_cases(len(below[0]), RESAMPLES, rng):
        more = weights.sum(1) * share / (1 - share)
        every = np.column_stack([weights, more])
        a, b = every @ first.T, every @ last.T
        low = min(low, float(np.quantile(_correlation(every, a, b), tail)))
        top = np.pad(below[0], (0, 1))
        top[-1, :-1], top[-1, -1] = 1.0, 0.5
        high = max(high, float(np.quantile(_correlation(every, every @ top.T, b), 1 - tail)))
    return replace(found, low=low, high=high)


def _within(found: stats.Estimate) -> stats.Estimate:
    if found.low >= -1 and found.high <= 1:
        return found
    value, low, high = (min(max(x, -1.0), 1.0) for x in (found.value, found.low, found.high))
    return replace(found, value=value, low=low, high=high, method=f"{found.method}, cut at -1 and 1")


def _below(values: Float64[np.ndarray, " parts"]) -> Float64[np.ndarray, "parts parts"]:
    """[i, j]: how much j adds to the rank of i; ties, up to rounding, a half."""
    slack = 1e-9 * np.abs(values).max()
    return (values[None] < values[:, None] - slack) + 0.5 * (np.abs(values[None] - values[:, None]) <= slack)


def _correlation(
    weights: Float[np.ndarray, "draws parts"], a: Float[np.ndarray, "draws parts"], b: Float[np.ndarray, "draws parts"]
) -> Float[np.ndarray, " draws"]:
    total = weights.sum(1, keepdims=True)
    a, b = (x - (weights * x).sum(1, keepdims=True) / total for x in (a, b))
    over = np.sqrt((weights * a * a).sum(1) * (weights * b * b).sum(1))
    joint = (weights * a * b).sum(1)
    return np.divide(joint, over, out=np.zeros_like(joint), where=over > 1e-9)

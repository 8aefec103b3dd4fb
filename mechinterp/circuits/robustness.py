"""How much a circuit depends on the levels that it was chosen on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from mechinterp.circuits.errors import CircuitError
from mechinterp.stats import Estimate
from mechinterp.stats.checks import generator


def best(
    effects: Sequence[Float64[np.ndarray, "parts pairs"]],
    size: int,
    weights: Shaped[np.ndarray, " pairs"] | None = None,
) -> set[int]:
    """Positions of the `size` parts with the largest effects: of the mean |effect| over pairs, the larger direction.

    That is the score of `by_effects`, and ties are broken as `Ranking.order` breaks them.
    """
    scores = np.max([np.average(np.abs(one), axis=1, weights=weights) for one in effects], axis=0)
    return set(np.argsort(-scores, kind="stable")[:size].tolist())


def stability(
    effects: Sequence[Float64[np.ndarray, "parts pairs"]],
    levels: Int64[np.ndarray, " pairs"],
    size: int,
    *,
    rng: np.random.Generator,
    draws: int = 200,
) -> Estimate:
    """How much the best `size` parts stay the same when the levels that they are chosen on are drawn again.

    The mean Jaccard index of the set chosen on all levels (as `best` does) and that chosen on a bootstrap of them, and
    the central 95 % of it.

    Args:
        effects: of each part in each pair; one array for each direction that the ranking took the larger of.

    Raises:
        CircuitError: fewer than two levels, no draws, more parts than there are, or arrays of other shapes.
    """
    generator(rng, name="stability", error=CircuitError)
    if draws < 1:
        raise CircuitError(f"stability needs at least 1 draw, got {draws}")
    labels, index = np.unique(levels, return_inverse=True)
    count = len(labels)
    parts = len(effects[0]) if len(effects) else 0
    if any(np.shape(one) != (parts, len(levels)) for one in effects):
        raise CircuitError(
            f"stability needs arrays of one effect for each part and each of {len(levels)} pairs, got shapes "
            f"{[np.shape(one) for one in effects]}"
        )
    if count < 2 or not 0 < size <= parts:
        raise CircuitError(f"stability needs 2 levels and 1 to {parts} parts, got {count} and {size}")
    first, found = best(effects, size), []
    for _ in range(draws):
        again = best(effects, size, np.bincount(rng.integers(count, size=count), minlength=count)[index])
        found.append(len(first & again) / len(first | again))
    low, high = np.quantile(found, [0.025, 0.975])
    value = float(np.mean(found))
    return Estimate(
        name=f"stability of {size} parts (Jaccard)",
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        n=len(labels),
        unit="levels",
        method=f"{draws} bootstraps of levels",
    )

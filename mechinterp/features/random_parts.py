"""Parts of a layer that what was found is compared with: random channels and directions, other objects' directions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64

RANDOM = 100
"""Random sets of channels that a set is ranked among, so that a rank p can fall to 1 %."""


def channel_sets(
    pool: Sequence[int], size: int, count: int, rng: np.random.Generator, *, other_than: Sequence[int] = ()
) -> list[tuple[int, ...]]:
    """Different sets of so many channels of the pool: `count` random ones, or all, where there are no more.

    Args:
        other_than: a set that is left out.
    """
    ways, left_out = math.comb(len(pool), size), tuple(sorted(other_than))
    if ways <= count + 1:
        every = [tuple(sorted(one)) for one in itertools.combinations(pool, size)]
        return [one for one in every if one != left_out][:count]
    found: dict[tuple[int, ...], None] = {}
    while len(found) < count:
        one = tuple(sorted(rng.choice(pool, size, replace=False).tolist()))
        if one != left_out:
            found[one] = None
    return list(found)


def random_directions(width: int, count: int, rng: np.random.Generator) -> list[Float64[np.ndarray, " channels"]]:
    """Directions of norm 1, uniform on the sphere; none where there is but one."""
    if width < 2:
        return []
    drawn = rng.normal(size=(count, width))
    return list(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def unit_directions(
    changes: Mapping[str, Float64[np.ndarray, " channels"]],
) -> dict[str, Float64[np.ndarray, " channels"]]:
    """Mean changes as directions of norm 1, without those of objects that change nothing."""
    norms = {name: float(np.linalg.norm(change)) for name, change in changes.items()}
    return {name: change / norms[name] for name, change in changes.items() if norms[name] > 0}

"""More or less than untrained networks, asked of several layers at once.

A layer that holds more of the coin than random weights let through was taught to; one that holds less has discarded it.
Both are findings, so both sides are asked. What is measured of each layer is brought to one scale over all networks,
and the largest of a network's layers is what a policy's layer must exceed (Westfall & Young 1993).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from mechinterp.stats import maximum_statistic

ALPHA = 0.05
SMALLEST = 1e-3
"""A root mean square of correlations below this is none at all."""


def standardised(
    table: Float64[np.ndarray, "networks tests"], *, least: float = 1e-9
) -> Float64[np.ndarray, "networks tests"]:
    """Each column less its mean, over its standard deviation; the policy is among the networks as one of them.

    Args:
        least: a smaller standard deviation counts as this one: where all networks are all but alike, a difference is
            large only if it is more than this.
    """
    return (table - table.mean(0)) / np.maximum(table.std(0), least)


def one_sided(table: Float64[np.ndarray, "networks tests"]) -> Float64[np.ndarray, " tests"]:
    """For the first network, p that a test is as far above the others', corrected for all tests."""
    scores = standardised(table)
    return maximum_statistic(scores[0], scores[1:])


def two_sided(table: Float64[np.ndarray, "networks tests"], *, least: float = 1e-9) -> Float64[np.ndarray, " tests"]:
    """For the first network, p that a test is as far from the others', above or below, corrected for all tests.

    Of policies that are themselves untrained at most 5 % have any p of 0.05 or less, both sides together. With n other
    networks no p is below 1 / (n + 1): with fewer than 19 nothing can be said at 5 %.

    Args:
        least: see `standardised`.
    """
    scores = np.abs(standardised(table, least=least))
    return maximum_statistic(scores[0], scores[1:])


def two_sided_sizes(table: Float64[np.ndarray, "networks tests"]) -> Float64[np.ndarray, " tests"]:
    """`two_sided` of sizes, such as root mean squares of correlations: of their logarithms.

    Sizes are skewed: on their own scale the long tail above would hide whatever lies below. What is smaller than
    `SMALLEST` is as good as 0.
    """
    return two_sided(np.log(np.maximum(table, SMALLEST)))


def discarded(own: float, untrained: float, p: float) -> bool:
    """Whether there is less than in untrained networks, by a two-sided p."""
    return p <= ALPHA and own < untrained


def added(own: float, untrained: float, p: float) -> bool:
    """Whether there is more than in untrained networks, by a two-sided p."""
    return p <= ALPHA and own > untrained

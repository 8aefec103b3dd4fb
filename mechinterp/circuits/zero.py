"""Total effects that are nothing to take shares of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

from mechinterp import stats
from mechinterp.circuits.errors import ZeroEffect
from mechinterp.stats import Estimate

SMALLEST = 1e-6
"""Total effects of no more than this (in the metric's unit) count as zero: they are float32 rounding."""


def refusing_zero(make: Callable[[], Estimate], total: Float64[np.ndarray, " pairs"], metric: str) -> Estimate:
    """What `make` makes of shares of `total`.

    Raises:
        ZeroEffect: there is no effect to take shares of.
    """
    zero = tuple(np.flatnonzero(np.abs(total) <= SMALLEST).tolist())
    if len(zero) == len(total):
        raise ZeroEffect(
            f"none of the {len(total)} pairs has an effect on {metric!r} (|total| <= {SMALLEST:g}), so there is "
            "nothing for a circuit to carry and nothing to normalise by",
            pairs=zero,
        )
    try:
        return make()
    except stats.UndefinedRatio as error:
        raise ZeroEffect(
            f"the mean effect of these pairs on {metric!r} cannot be told from 0 ({len(zero)} of {len(total)} have "
            f"none at all), so shares of it have no meaning: {error}",
            pairs=zero,
        ) from error


def refuse_zero(total: Float64[np.ndarray, " pairs"], metric: str, what: str) -> None:
    """Raise ZeroEffect where no pair has an effect; `what` says what is impossible then."""
    if np.abs(total).mean() <= SMALLEST:
        raise ZeroEffect(f"no pair has an effect on {metric!r}: {what}", pairs=tuple(range(len(total))))

"""Drive: how much the policy's preferences change when one variable of the world changes, and nothing else.

For a minimal pair, the drive on a readout is ``readout(clean) - readout(corrupted)``; for movement, in nats,

    drive = [log P(right) - log P(left)](clean) - [log P(right) - log P(left)](corrupted).

It is a total effect on the decision at hand (Pearl 2001): all that the change does on its way through the network.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from mechinterp import stats
from mechinterp.coinrun.scenes import MinimalPairs
from mechinterp.policies.graph import Policy
from mechinterp.policies.readouts import READOUTS, readout_values
from mechinterp.stats import Estimate


def differences(policy: Policy, pairs: MinimalPairs) -> dict[str, Float64[np.ndarray, " pairs"]]:
    """readout(clean) - readout(corrupted) of each pair, for each of `READOUTS`."""
    clean, corrupted = readout_values(policy, pairs.clean), readout_values(policy, pairs.corrupted)
    return {name: clean[name] - corrupted[name] for name in READOUTS}


def drive(policy: Policy, pairs: MinimalPairs, *, prefix: str, rng: np.random.Generator) -> list[Estimate]:
    """The mean drive on each readout, named ``{prefix}/{readout}``: interval by levels, null by flipping their signs.

    Raises:
        TooFewSamples: the pairs come from fewer than two levels.
    """
    found = []
    for name, values in differences(policy, pairs).items():
        null = stats.sign_flip_test(values, unit="levels", rng=rng, clusters=pairs.levels)
        found.append(
            stats.mean(values, name=f"{prefix}/{name}", unit="levels", rng=rng, clusters=pairs.levels, null=null)
        )
    return found

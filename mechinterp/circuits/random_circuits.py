"""Random circuits: the null of a circuit."""

from __future__ import annotations

import numpy as np

from mechinterp.circuits.circuit import Circuit, Part, candidates, hook_in_universe
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.policies.graph import Policy


def matched_random_circuits(policy: Policy, one: Circuit, count: int, rng: np.random.Generator) -> list[Circuit]:
    """Random circuits of the same universe with as many parts at every hook point: the null of a circuit.

    Matching hook points is stricter than matching the size alone: one layer may carry much more than another.
    """
    everything = candidates(ResidualGraph.of(policy), one.kind, one.universe)
    by_hook: dict[str, list[Part]] = {}
    for part in everything:
        by_hook.setdefault(hook_in_universe(part), []).append(part)
    wanted = {hook: sum(hook_in_universe(part) == hook for part in one.parts) for hook in by_hook}
    drawn = []
    for _ in range(count):
        picks = [
            [parts[i] for i in sorted(rng.choice(len(parts), wanted[hook], replace=False))]
            for hook, parts in by_hook.items()
        ]
        drawn.append(one.with_parts(part for parts in picks for part in parts))
    return drawn

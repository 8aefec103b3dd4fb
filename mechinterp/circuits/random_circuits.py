"""Random circuits: the null of a circuit."""

from __future__ import annotations

import numpy as np

from mechinterp.circuits.circuit import Circuit, Part, candidates, hook_in_universe
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.policies.graph import Policy
from mechinterp.stats.checks import generator


def matched_random_circuits(policy: Policy, one: Circuit, count: int, rng: np.random.Generator) -> list[Circuit]:
    """Random circuits of the same universe with as many parts at every hook point: the null of a circuit.

    Matching hook points is stricter than matching the size alone: one layer may carry much more than another. They may
    share parts with the circuit, so that one that is itself random ranks anywhere among them with the same chance.

    Raises:
        CircuitError: fewer than 1 circuit, or an `rng` that is no generator.
    """
    generator(rng, name="random circuits", error=CircuitError)
    if not hasattr(count, "__index__") or count < 1:
        raise CircuitError(f"random circuits: at least 1, as a whole number, got {count!r}")
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

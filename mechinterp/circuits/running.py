"""Running circuits: what a policy does when everything outside of a circuit is ablated.

With the ablation `counterfactual` this is patching of whole circuits, in two directions that mirror each other:

- `denoise`: the frame is the clean one, and everything outside of the circuit carries what it carried in the corrupted
  run. What comes back of the effect came through the circuit: is it sufficient?
- `noise`: the frame is the corrupted one, and everything outside of the circuit carries the clean run's values. What
  is lost of the effect was lost through the circuit: is it necessary? A path that another one backs up is not.

With `mean`, `zero` and `resample` the share is of the way from everything ablated to the whole network, on the same
frames (Wang et al. 2023; Mueller et al. 2025).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mechinterp.circuits import budget
from mechinterp.circuits.circuit import Circuit, candidates, fingerprint, in_order
from mechinterp.circuits.effects import Direction, Effects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.graph import ResidualGraph, refuse_hooks
from mechinterp.circuits.interaction import of_scenes
from mechinterp.circuits.metrics import Metrics
from mechinterp.circuits.outside import EdgeCircuits, NodeCircuits
from mechinterp.circuits.paired import MEMORY, PairedRuns, check_direction
from mechinterp.circuits.pairs import AnyPairs
from mechinterp.policies.graph import Policy
from mechinterp.policies.subject import PolicyLike, as_policy


@of_scenes
@torch.no_grad()
def run_circuit(
    subject: PolicyLike,
    pairs: AnyPairs,
    circuits: Sequence[Circuit] | Circuit,
    *,
    direction: Direction = "denoise",
    metrics: Metrics = "movement",
    reference: UInt8[np.ndarray, "n 64 64 3"] | UInt8[Tensor, "n 64 64 3"] | None = None,
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
) -> Effects[Circuit]:
    """Run each circuit by itself on every pair; `Effects.shares` is then its faithfulness.

    Args:
        circuits: one, or several of one kind, universe and ablation.
        direction: see the module.
        reference: frames for the ablations `mean` and `resample`; by default those of the pairs, both sides.
        rng: draws those of `resample`.
        memory: bytes for activations, at most (besides the network, the frames and the result).

    Raises:
        CircuitError: circuits of another policy, of different kinds, or with parts or a universe that the policy does
            not have; hooks on the policy; pairs that do not fit.
        BudgetTooSmall: not even one pair fits in `memory`.
    """
    policy = as_policy(subject)
    given = (circuits,) if isinstance(circuits, Circuit) else circuits
    listed = tuple(given) if isinstance(given, Iterable) else (given,)  # what is no circuit is refused below
    graph = ResidualGraph.of(policy)
    check_direction(direction)
    first = _alike(policy, graph, listed)
    refuse_hooks(policy, first.kind)
    live = "clean" if direction == "denoise" else "corrupted"
    runs = PairedRuns(policy, pairs, direction=direction, metrics=metrics, memory=memory, base_side=live)
    hooks = policy.select(list(first.universe if first.kind == "nodes" else graph.writers))
    start = budget.starts(policy, hooks[:1])
    cached = [*start]
    if first.kind == "edges":  # each layer's input and output, all ablated, and its output in this circuit and the last
        cached += [name for layer in graph.layers for name in (layer.reads, *[layer.hook] * 3)]
    size = runs.plan(hooks, cached)
    values = runs.supply(hooks, first.ablation, rng=rng, at_once=size.pairs, reference=reference)
    of_other = hooks if first.ablation == "counterfactual" else ()
    everything = [*listed, first.with_parts(())]
    run = runs.empty(len(everything))
    rows = min(size.rows.values())
    for batch in runs.batches(min(size.pairs, max(1, rows)), base=start, other=of_other):
        outside = values(batch)
        outputs = (
            NodeCircuits(policy, graph, batch.base.values, outside, rows=rows)
            if first.kind == "nodes"
            else EdgeCircuits(policy, graph, first, batch.base.values, outside)
        )(everything)
        for i, output in enumerate(outputs):
            run[:, i, batch.here] = batch.measured(output)
    ends = {"start": run[:, -1], "goal": runs.ends["base"]}
    return runs.effects(listed, run[:, :-1], replacement=first.ablation, **ends)


def _alike(policy: Policy, graph: ResidualGraph, circuits: Sequence[Circuit]) -> Circuit:
    if wrong := [one for one in circuits if not isinstance(one, Circuit)]:
        raise CircuitError(f"run_circuit takes circuits, made by `Circuit.of`, got {wrong[0]!r:.100}")
    if not circuits:
        raise CircuitError("no circuits were given")
    first = circuits[0]
    for other in circuits[1:]:
        if (other.kind, other.universe, other.ablation) != (first.kind, first.universe, first.ablation):
            raise CircuitError("circuits that are run together must be of one kind, universe and ablation")
    mine = fingerprint(policy)
    if wrong := {other.policy for other in circuits} - {mine}:
        raise CircuitError(f"these circuits are of the policy {', '.join(sorted(wrong))}, this one is {mine}")
    # What was read from a file may name the right policy and yet have been written, or damaged, by other hands.
    inside = in_order(graph, first.kind, first.universe)
    everything = set(candidates(graph, first.kind, inside))
    if inside != first.universe or {one.size for one in circuits} != {len(everything)}:
        raise CircuitError(
            f"a damaged circuit: in this policy its universe is {', '.join(inside)}, with {len(everything)} "
            f"{first.kind}; it has {', '.join(first.universe)} and size {first.size}"
        )
    for one in circuits:
        for part in one.parts:
            if part not in everything:
                graph.check(part)
                raise CircuitError(f"a damaged circuit: {part} is not in its universe")
    return first

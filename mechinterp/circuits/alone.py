"""Running circuits alone: what a policy does when everything outside of a circuit is ablated.

With the ablation `other` this is patching of whole circuits, in two directions that mirror each other:

- `denoise`: the frame is the clean one, and everything outside of the circuit carries what it carried in the corrupted
  run. What comes back of the effect came through the circuit: is it sufficient?
- `noise`: the frame is the corrupted one, and everything outside of the circuit carries the clean run's values. What
  is lost of the effect was lost through the circuit: is it necessary? A path that another one backs up is not.

With `mean`, `zero` and `resample` the share is of the way from everything ablated to the whole network, on the same
frames (Wang et al. 2023; Mueller et al. 2025).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mechinterp.circuits import budget
from mechinterp.circuits.ablated import Edges, Nodes
from mechinterp.circuits.carried import Carried
from mechinterp.circuits.circuit import Circuit, candidates, fingerprint, in_order
from mechinterp.circuits.donors import donor
from mechinterp.circuits.effects import Direction
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.graph import ResidualGraph, refuse_hooks
from mechinterp.circuits.metrics import Measure, Metrics
from mechinterp.circuits.pairs import Pairs, as_pairs, tensor
from mechinterp.circuits.patching import MEMORY
from mechinterp.policies.graph import Policy


@torch.no_grad()
def run_alone(
    policy: Policy,
    pairs: Pairs | tuple[np.ndarray | Tensor, np.ndarray | Tensor],
    circuits: Sequence[Circuit],
    *,
    direction: Direction = "denoise",
    metrics: Metrics = "movement",
    reference: UInt8[np.ndarray, "n 64 64 3"] | None = None,
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
) -> Carried:
    """Run each circuit alone on every pair; `Carried.shares` is then its faithfulness.

    Args:
        circuits: of one kind, universe and ablation.
        direction: see the module.
        reference: frames for the ablations `mean` and `resample`; by default those of the pairs, both sides.
        rng: draws those of `resample`.
        memory: bytes for activations, at most (besides the network, the frames and the result).

    Raises:
        CircuitError: circuits of another policy, of different kinds, or with parts or a universe that the policy does
            not have; hooks on the policy; pairs that do not fit.
        BudgetTooSmall: not even one pair fits in `memory`.
    """
    graph = ResidualGraph.of(policy)
    framed, first = as_pairs(pairs), _alike(policy, graph, circuits)
    refuse_hooks(policy)
    if direction not in ("denoise", "noise"):
        raise CircuitError(f"direction must be 'denoise' or 'noise', got {direction!r}")
    measure, count = Measure(policy, metrics), len(framed.clean)
    hooks = policy.select(list(first.universe if first.kind == "nodes" else graph.writers))
    cached = [*budget.starts(policy, hooks[:1])]
    if first.kind == "edges":  # each layer's input and output, all ablated, and its output in this circuit and the last
        cached += [name for layer in graph.layers for name in (layer.reads, *[layer.hook] * 3)]
    size = budget.plan(policy, hooks, count, memory=memory, cached=cached)
    if reference is None and first.ablation in ("mean", "resample"):
        reference = np.concatenate([framed.clean, framed.corrupted])
    give = donor(policy, hooks, first.ablation, count, reference=reference, rng=rng, batch=size.pairs)
    everything = [*circuits, first.with_parts(())]
    run = np.empty((len(measure.names), len(everything), count))
    goal = np.empty((len(measure.names), count))
    at_once = min(size.pairs, max(1, min(size.rows.values())))
    for at in range(0, count, at_once):
        here = slice(at, min(at + at_once, count))
        clean, corrupted = tensor(framed.clean[here]), tensor(framed.corrupted[here])
        live, other = (clean, corrupted) if direction == "denoise" else (corrupted, clean)
        intact = policy.capture(live, budget.starts(policy, hooks[:1]))
        values = policy.activations(other, hooks) if give is None else give(here)
        unpatched = intact.output if direction == "denoise" else policy(clean)
        goal[:, here] = measure(intact.output, unpatched).cpu().numpy()
        outputs = (
            Nodes(policy, graph, intact.values, values, rows=min(size.rows.values()))
            if first.kind == "nodes"
            else Edges(policy, graph, first, intact.values, values)
        )(everything)
        for i, output in enumerate(outputs):
            run[:, i, here] = measure(output, unpatched).cpu().numpy()
    return Carried(
        parts=tuple(circuits),
        metrics=measure.names,
        direction=direction,
        source=first.ablation,
        run=run[:, :-1],
        start=run[:, -1],
        goal=goal,
        levels=np.asarray(framed.levels),
    )


def _alike(policy: Policy, graph: ResidualGraph, circuits: Sequence[Circuit]) -> Circuit:
    if isinstance(circuits, Circuit) or not all(isinstance(one, Circuit) for one in circuits):
        raise CircuitError("run_alone takes a list of circuits, made by `circuit`; write [one] for a single one")
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

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

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from mechinterp.circuits import budget
from mechinterp.circuits.carried import Carried
from mechinterp.circuits.circuit import Circuit, candidates, fingerprint, in_order
from mechinterp.circuits.donors import donor
from mechinterp.circuits.effects import Direction
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.graph import Layer, ResidualGraph, apply_weight, by_channel, refuse_hooks, run_glue, table
from mechinterp.circuits.metrics import Measure, Metrics
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.pairs import Pairs, as_pairs, tensor
from mechinterp.circuits.patching import MEMORY
from mechinterp.interventions.applying import tiled
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import LOGITS, VALUE, PolicyOutput


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
            _Nodes(policy, graph, intact.values, values, rows=min(size.rows.values()))
            if first.kind == "nodes"
            else _Edges(policy, graph, first, intact.values, values)
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


class _Nodes:
    """Circuits of nodes, many in one batch: outside channels are overwritten as soon as they are computed."""

    def __init__(
        self,
        policy: Policy,
        graph: ResidualGraph,
        values: Mapping[str, Tensor],
        donor: Mapping[str, Tensor],
        *,
        rows: int,
    ) -> None:
        self.policy, self.graph, self.values, self.donor, self.rows = policy, graph, values, donor, rows

    def __call__(self, circuits: Sequence[Circuit]) -> list[PolicyOutput]:
        pairs = len(next(iter(self.values.values())))
        at_once = max(1, self.rows // pairs)
        return [
            output
            for at in range(0, len(circuits), at_once)
            for output in self._run(circuits[at : at + at_once], pairs)
        ]

    def _run(self, circuits: Sequence[Circuit], pairs: int) -> list[PolicyOutput]:
        start, *later = circuits[0].universe
        masks = {hook: self._mask(hook, circuits, pairs) for hook in (start, *later)}
        values = {name: tiled(self.values[name], len(circuits)) for name in self.policy.frontier(start)}
        values[start] = self._masked(start, masks[start], values[start])

        def hook(value: Tensor, hook: object) -> Tensor:
            name: str = hook.name  # pyright: ignore[reportAttributeAccessIssue]
            return self._masked(name, masks[name], value)

        with self.policy.hooks_on(dict.fromkeys(later, hook)):
            output = self.policy(start_at=start, values=values)
        parts = zip(output.logits.split(pairs), output.value.split(pairs), strict=True)
        return [PolicyOutput(logits, value) for logits, value in parts]

    def _masked(self, hook: str, mask: Tensor, value: Tensor) -> Tensor:
        other = self.donor[hook]
        split = value.unflatten(0, (-1, other.shape[0] if len(other) > 1 else 1))
        mask = mask.reshape(*mask.shape[:2], *[1] * (value.ndim - 2)).unflatten(0, split.shape[:2])
        return torch.where(mask, split, other.to(value)).flatten(0, 1)

    def _mask(self, hook: str, circuits: Sequence[Circuit], pairs: int) -> Bool[Tensor, "rows channels"]:
        kept = torch.zeros(len(circuits), self.graph.widths[hook], dtype=torch.bool)  # filled on the CPU
        for i, one in enumerate(circuits):
            kept[i, [part.channel for part in one.parts if isinstance(part, Node) and part.hook == hook]] = True
        return kept.repeat_interleave(pairs, 0).to(self.donor[hook].device)


class _Edges:
    """Circuits of edges, one after the other.

    A reader's target channels may each see another selection of writers in the same input channel. Its output is that
    with every writer ablated, plus, for each selection that occurs, the kernels that see it on what it changes.
    """

    def __init__(
        self,
        policy: Policy,
        graph: ResidualGraph,
        first: Circuit,
        values: Mapping[str, Tensor],
        donor: Mapping[str, Tensor],
    ) -> None:
        self.policy, self.graph, self.cut = policy, graph, set(first.universe)
        self.frame = {name: value for name, value in values.items() if name in graph.writers}
        count = len(next(iter(self.frame.values())))
        self.donor = {name: value.expand(count, *value.shape[1:]) for name, value in donor.items()}
        self.inputs: dict[str, Tensor] = {}
        self.outputs: dict[str, Tensor] = {}
        for layer in graph.layers:
            self.inputs[layer.hook] = run_glue(policy, layer, self.donor)
            self.outputs[layer.hook] = policy.get_submodule(layer.module)(self.inputs[layer.hook])

    def __call__(self, circuits: Sequence[Circuit]) -> list[PolicyOutput]:
        found, before, live = [], {}, {}
        for one in circuits:
            kept = table(self.graph, [part for part in one.parts if isinstance(part, Edge)])
            live = self._run(kept, before, live)
            before = kept
            found.append(PolicyOutput(live[LOGITS], live[VALUE]))
        return found

    def _run(
        self,
        kept: Mapping[tuple[str, str], Tensor],
        before: Mapping[tuple[str, str], Tensor],
        last: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """Every writer's and reader's value; layers where nothing differs from the circuit `before` are not run."""
        live, same = dict(self.frame), set(self.frame) if before else set()
        for layer in self.graph.layers:
            cut = [kept[layer.hook, writer] for writer in layer.writers] if layer.hook in self.cut else []
            if same.issuperset(layer.writers) and all(
                torch.equal(mask, before[layer.hook, writer]) for mask, writer in zip(cut, layer.writers, strict=False)
            ):
                live[layer.hook] = last[layer.hook]
                same.add(layer.hook)
            elif cut:
                live[layer.hook] = self._seen(layer, live, cut)
            else:
                live[layer.hook] = self.policy.get_submodule(layer.module)(run_glue(self.policy, layer, live))
        return live

    def _seen(self, layer: Layer, live: Mapping[str, Tensor], kept: Sequence[Bool[Tensor, "target source"]]) -> Tensor:
        selections = sum(mask.long() << i for i, mask in enumerate(kept))
        assert isinstance(selections, Tensor)
        found, channels = self.outputs[layer.hook], selections.shape[1]
        weight = by_channel(self.policy, layer, channels)
        for selection in selections.unique().tolist():
            if selection == 0:
                continue
            mine = (selections == selection).to(weight.device)
            sources = mine.any(0).nonzero().flatten()
            mixed = {
                writer: live[writer] if selection >> i & 1 else self.donor[writer]
                for i, writer in enumerate(layer.writers)
            }
            delta = _channels(run_glue(self.policy, layer, mixed) - self.inputs[layer.hook], sources, channels)
            own = weight[:, sources] * mine[:, sources].reshape(len(mine), -1, *[1] * (weight.ndim - 2))
            found = found + apply_weight(self.policy, layer, delta, own, None)
        return found


def _channels(inputs: Tensor, chosen: Tensor, channels: int) -> Tensor:
    if inputs.ndim == 4:
        return inputs[:, chosen]
    return inputs.unflatten(1, (channels, -1))[:, chosen].flatten(1)

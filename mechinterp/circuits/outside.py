"""The network with everything outside of circuits replaced: how `run_circuit` runs circuits of nodes and of edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.graph import Layer, ResidualGraph, apply_weight, by_channel, run_glue, table
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.interventions.applying import tiled
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import LOGITS, VALUE, PolicyOutput


class NodeCircuits:
    """Circuits of nodes, many in one batch: outside channels are replaced as soon as they are computed."""

    def __init__(
        self,
        policy: Policy,
        graph: ResidualGraph,
        values: Mapping[str, Tensor],
        replacement: Mapping[str, Tensor],
        *,
        rows: int,
    ) -> None:
        self.policy, self.graph, self.values, self.replacement, self.rows = policy, graph, values, replacement, rows

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
        other = self.replacement[hook]
        split = value.unflatten(0, (-1, other.shape[0] if len(other) > 1 else 1))
        mask = mask.reshape(*mask.shape[:2], *[1] * (value.ndim - 2)).unflatten(0, split.shape[:2])
        return torch.where(mask, split, other.to(value)).flatten(0, 1)

    def _mask(self, hook: str, circuits: Sequence[Circuit], pairs: int) -> Bool[Tensor, "rows channels"]:
        kept = torch.zeros(len(circuits), self.graph.widths[hook], dtype=torch.bool)  # filled on the CPU
        for i, one in enumerate(circuits):
            kept[i, [part.channel for part in one.parts if isinstance(part, Node) and part.hook == hook]] = True
        return kept.repeat_interleave(pairs, 0).to(self.replacement[hook].device)


class EdgeCircuits:
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
        replacement: Mapping[str, Tensor],
    ) -> None:
        self.policy, self.graph, self.cut = policy, graph, set(first.universe)
        self.frame = {name: value for name, value in values.items() if name in graph.writers}
        count = len(next(iter(self.frame.values())))
        self.replacement = {name: value.expand(count, *value.shape[1:]) for name, value in replacement.items()}
        self.inputs: dict[str, Tensor] = {}
        self.outputs: dict[str, Tensor] = {}
        for layer in graph.layers:
            self.inputs[layer.hook] = run_glue(policy, layer, self.replacement)
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
                writer: live[writer] if selection >> i & 1 else self.replacement[writer]
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

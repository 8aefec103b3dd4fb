"""Edges, routes and circuits as slowly and plainly as they can be written: node by node, channel by channel."""

from __future__ import annotations

import torch
from torch import Tensor

from mechinterp.circuits import CircuitError
from mechinterp.circuits.nodes import Edge
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput


def has_weights(policy: Policy, step) -> bool:
    return any(True for _ in policy.get_submodule(step.module).parameters())


def everything(policy: Policy, frames: Tensor, values: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Every value of a run, those in `values` given."""
    live: dict[str, Tensor] = {"observation": frames, **(values or {})}
    for step in policy.nodes:
        if step.name not in live:
            live[step.name] = policy.get_submodule(step.module)(*[live[name] for name in step.inputs])
    return live


def output(live: dict[str, Tensor]) -> PolicyOutput:
    return PolicyOutput(live["hook_logits"], live["hook_value"])


def seen_by(policy: Policy, reader: str, live: dict[str, Tensor], writes: dict[str, Tensor]) -> Tensor:
    """The output of a layer if what it reads of the writers were `writes`, all that has no weights recomputed."""
    fork = {**live, **writes}
    for step in policy.nodes:
        if step.name == reader:
            return policy.get_submodule(step.module)(*[fork[name] for name in step.inputs])
        if not has_weights(policy, step) and step.inputs != ("observation",):
            fork[step.name] = policy.get_submodule(step.module)(*[fork[name] for name in step.inputs])
    raise CircuitError(reader)


@torch.no_grad()
def direct_effect(policy: Policy, base: Tensor, donor: dict[str, Tensor], edge: Edge) -> PolicyOutput:
    live = everything(policy, base)
    source, target = edge.source, edge.target
    changed = live[source.hook].clone()
    changed[:, source.channel] = donor[source.hook].expand_as(changed)[:, source.channel]
    new = live[target.hook].clone()
    seen = seen_by(policy, target.hook, live, {source.hook: changed})
    if new.ndim == 1:
        new = seen
    else:
        new[:, target.channel] = seen[:, target.channel]
    before = {}
    for step in policy.nodes:
        before[step.name] = new if step.name == target.hook else live[step.name]
        if step.name == target.hook:
            break
    return output(everything(policy, base, before))


@torch.no_grad()
def nodes_alone(policy: Policy, frames: Tensor, donor: dict[str, Tensor], circuit) -> PolicyOutput:
    def hook(value, hook):
        new = value.clone()
        for channel in range(value.shape[1]):
            if not any(part.hook == hook.name and part.channel == channel for part in circuit.parts):
                new[:, channel] = donor[hook.name].expand_as(value)[:, channel]
        return new

    return policy.run_with_hooks(frames, fwd_hooks=[(name, hook) for name in circuit.universe])


@torch.no_grad()
def edges_alone(policy: Policy, frames: Tensor, donor: dict[str, Tensor], circuit) -> PolicyOutput:
    live: dict[str, Tensor] = {"observation": frames}
    writers = {step.name for step in policy.nodes if has_weights(policy, step) or step.inputs == ("observation",)}
    for step in policy.nodes:
        whole = dict(live)
        live[step.name] = policy.get_submodule(step.module)(*[live[name] for name in step.inputs])
        if step.name not in circuit.universe:
            continue
        value = live[step.name].clone()
        for target in range(value.shape[1] if value.ndim > 1 else 1):
            writes = {}
            for writer in writers & set(whole):
                mixed = donor[writer].expand_as(whole[writer]).clone()
                for edge in circuit.parts:
                    if (edge.target.hook, edge.target.channel, edge.source.hook) == (step.name, target, writer):
                        mixed[:, edge.source.channel] = whole[writer][:, edge.source.channel]
                writes[writer] = mixed
            seen = seen_by(policy, step.name, whole, writes)
            if value.ndim == 1:
                value = seen
            else:
                value[:, target] = seen[:, target]
        live[step.name] = value
    return output(live)

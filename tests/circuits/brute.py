"""Edges by brute force: all of them, and the effect of each, one at a time, with the network's own modules."""

from __future__ import annotations

import torch
from torch import nn

from mechinterp.circuits.nodes import Edge, Node
from mechinterp.policies.actions import movement_logodds
from mechinterp.policies.nodes import LOGITS, OBSERVATION, VALUE


def has_weights(policy, node):
    return isinstance(policy.get_submodule(node.module), nn.Conv2d | nn.Linear)


def writers_into(policy, reader):
    """Hook points whose output gets to `reader` through no other layer with weights."""
    by_name = {node.name: node for node in policy.nodes}
    found, waiting = [], list(by_name[reader].inputs)
    while waiting:
        node = by_name[waiting.pop()]
        if has_weights(policy, node) or node.inputs == (OBSERVATION,):
            found.append(node.name)
        else:
            waiting += node.inputs
    return sorted(set(found))


def all_edges(policy):
    readers = [node.name for node in policy.nodes if has_weights(policy, node) and node.name != VALUE]
    return [
        Edge(Node(writer, source), Node(reader, target))
        for reader in readers
        for writer in writers_into(policy, reader)
        for source in range(policy.shapes[writer][0])
        for target in range(policy.shapes[reader][0])
    ]


@torch.no_grad()
def target_value(policy, edge, base, other):
    """The value at the target's hook point where the target alone sees the source as it is in the other run.

    Args:
        base, other: captured values of all nodes in both runs.
    """
    source, target = edge.source, edge.target
    changed = {source.hook: base[source.hook].clone()}
    changed[source.hook][:, source.channel] = other[source.hook][:, source.channel]
    for node in policy.nodes:
        if not any(name in changed for name in node.inputs) or node.name == source.hook:
            continue
        inputs = [changed.get(name, base.get(name)) for name in node.inputs]
        if node.name == target.hook:
            fresh = base[target.hook].clone()
            fresh[:, target.channel] = policy.get_submodule(node.module)(*inputs)[:, target.channel]
            return fresh
        if not has_weights(policy, node):
            changed[node.name] = policy.get_submodule(node.module)(*inputs)
    raise AssertionError(f"{edge} is no edge")


@torch.no_grad()
def effect_of_value(policy, hook, value, base):
    """Change of movement's log-odds where `value` is put in at a hook point."""
    if hook == LOGITS:
        logits = value
    else:
        needed = policy.frontier(hook, stop_at=LOGITS)
        logits = policy(start_at=hook, stop_at=LOGITS, values={name: base[name] for name in needed} | {hook: value})
    return movement_logodds(logits, policy.actions) - movement_logodds(base[LOGITS], policy.actions)


def edge_effect(policy, edge, base, other):
    """Change of movement's log-odds where the target alone sees the source as it is in the other run."""
    return effect_of_value(policy, edge.target.hook, target_value(policy, edge, base, other), base)

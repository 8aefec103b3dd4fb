"""How many pairs and patches fit in a caller's memory, from the shapes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import nn

from mechinterp.circuits.errors import BudgetTooSmall
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import OBSERVATION, last_uses

BEST_ROWS = {"cpu": 64}
"""Rows a batch beyond which nothing gets faster: on a CPU, larger ones leave the cache."""
MANY_ROWS = 4096


@dataclass(frozen=True)
class Plan:
    """How many pairs are cached at once, and how many (patch, pair) rows make a batch behind each hook point."""

    pairs: int
    rows: dict[str, int]


def plan(policy: Policy, hooks: Sequence[str], pairs: int, *, memory: int) -> Plan:
    """The largest batches whose activations stay under `memory` bytes.

    Counted are the cached activations of both runs and the working memory of a batch; not the network, the frames or
    the result.

    Raises:
        BudgetTooSmall: one pair and one patch do not fit.
    """
    cached = sum(_bytes(policy, name) for name in cached_hooks(policy, hooks)) + sum(_bytes(policy, h) for h in hooks)
    whole = _peak(policy, 0)
    rows = {hook: _peak(policy, policy.hook_names.index(hook)) for hook in hooks}
    needed = cached + max(whole, *rows.values())
    if memory < needed:
        raise BudgetTooSmall(budget=memory, needed=needed, what="one pair and one patch of it")
    at_once = max(1, min(pairs, memory // 2 // (cached + whole)))
    left = memory - at_once * cached
    most = BEST_ROWS.get(next(policy.parameters()).device.type, MANY_ROWS)
    return Plan(at_once, {hook: max(1, min(most, left // row)) for hook, row in rows.items()})


def cached_hooks(policy: Policy, hooks: Sequence[str]) -> tuple[str, ...]:
    """The values of the base run that patches at `hooks` start from, in running order."""
    needed = {name for hook in hooks for name in policy.frontier(hook)}
    return tuple(name for name in policy.hook_names if name in needed)


def _peak(policy: Policy, start: int) -> int:
    """The most bytes that one row takes at any time when the nodes from position `start` on are run."""
    nodes, last = policy.nodes, last_uses(policy.nodes)
    live = set(policy.frontier(nodes[start].name))
    peak = sum(_bytes(policy, name) for name in live)
    for position in range(start + 1, len(nodes)):
        node = nodes[position]
        held = sum(_bytes(policy, name) for name in live | {node.name})
        peak = max(peak, held + _workspace(policy, position))
        live.add(node.name)
        live -= {name for name in live if last.get(name, -1) <= position}
    return peak


def _workspace(policy: Policy, position: int) -> int:
    """Bytes that a node's module may use beside its inputs and its output."""
    node = policy.nodes[position]
    module = policy.get_submodule(node.module)
    inputs = sum(_bytes(policy, name) for name in node.inputs if name != OBSERVATION)
    if not isinstance(module, nn.Conv2d):
        return inputs
    if next(policy.parameters()).dtype == torch.float32:
        return inputs + _bytes(policy, node.name)  # copies in another memory format
    window = prod(module.kernel_size) * module.in_channels * prod(policy.shapes[node.name][1:])
    return inputs + window * _itemsize(policy)  # unfolded inputs: other dtypes have no direct convolution


def _bytes(policy: Policy, name: str) -> int:
    return prod(policy.shapes[name]) * _itemsize(policy)


def _itemsize(policy: Policy) -> int:
    return next(policy.parameters()).element_size()

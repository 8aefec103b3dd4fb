"""How many pairs and patches fit in a caller's memory, from the shapes alone."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod

import torch
from torch import nn

from mechinterp.circuits.errors import BudgetTooSmall, CircuitError
from mechinterp.interventions.engine.layers import FEW, FEW_OF_LINEAR
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import OBSERVATION, Node, last_uses
from mechinterp.policies.traits import window_of

BEST_ROWS, BEST_BYTES = 64, {"cpu": 8 << 20}
"""A batch of so many rows, or so many bytes if that is more, is as fast as any: larger ones leave a CPU's cache."""
MANY_BYTES = 1 << 30
"""The same on other devices."""


@dataclass(frozen=True)
class Plan:
    """How many pairs are cached at once, and how many (patch, pair) rows make a batch behind each node."""

    pairs: int
    rows: dict[str, int]


def plan(policy: Policy, hooks: Sequence[str], pairs: int, *, memory: int, cached: Sequence[str]) -> Plan:
    """The largest batches whose activations stay under `memory` bytes.

    Counted are the cached activations of both runs and the working memory of a batch; not the network, the frames or
    the result.

    Args:
        hooks: where patches go; the other run's values are kept there.
        cached: values of the run that is patched that are kept.

    Raises:
        BudgetTooSmall: one pair and one patch do not fit.
        CircuitError: `memory` is no whole number.
    """
    memory = whole_bytes(memory)
    first = policy.hook_names.index(hooks[0])
    sizes, peaks = _bytes(policy), _peaks(policy)
    kept, whole = sum(sizes[name] for name in [*cached, *hooks]), peaks[0]
    # Twice, because the rows of several hook points may be waiting to be run together.
    row = dict(zip(policy.hook_names[first:], (2 * peak for peak in peaks[first:]), strict=True))
    needed = kept + max(whole, *row.values())
    if memory < needed:
        raise BudgetTooSmall(budget=memory, needed=needed, what="one pair and one patch of it")
    at_once = max(1, min(pairs, memory // 2 // (kept + whole)))
    left = memory - at_once * kept
    best = BEST_BYTES.get(next(policy.parameters()).device.type, MANY_BYTES)
    return Plan(at_once, {name: max(1, min(left // each, max(BEST_ROWS, best // each))) for name, each in row.items()})


def whole_bytes(memory: int) -> int:
    """A budget as a whole number. Raises CircuitError for anything else."""
    try:
        return operator.index(memory)
    except TypeError:
        raise CircuitError(f"memory is a whole number of bytes, such as 1 << 30, got {memory!r}") from None


def starts(policy: Policy, hooks: Sequence[str]) -> tuple[str, ...]:
    """The values that the network needs to go on from each of `hooks`, in running order."""
    needed = {name for hook in hooks for name in policy.frontier(hook)}
    return tuple(name for name in policy.hook_names if name in needed)


def onwards(policy: Policy, hooks: Sequence[str]) -> tuple[str, ...]:
    """`starts`, and every node after the first of `hooks`."""
    needed = starts(policy, hooks)
    after = policy.hook_names[policy.hook_names.index(hooks[0]) :]
    return tuple(name for name in policy.hook_names if name in needed or name in after)


def _peaks(policy: Policy) -> list[int]:
    """For each node, the most bytes that one row takes at any time when the network is run from there on."""
    nodes, last, sizes = policy.nodes, last_uses(policy.nodes), _bytes(policy)
    held = []
    for position, node in enumerate(nodes):
        waiting = [earlier.name for earlier in nodes[:position] if last.get(earlier.name, -1) >= position]
        now = sum(sizes[name] for name in waiting) + sizes[node.name]
        held.append(now + _workspace(policy, node, sizes))
    return list(accumulate(reversed(held), max))[::-1]


def _workspace(policy: Policy, node: Node, sizes: Mapping[str, int]) -> int:
    """Bytes that a node's module may use in addition to its inputs and its output."""
    module = policy.get_submodule(node.module)
    inputs = sum(sizes[name] for name in node.inputs if name != OBSERVATION)
    if isinstance(module, nn.Linear):
        return inputs + module.weight.nbytes // FEW_OF_LINEAR  # the columns that a patch of few features needs
    window = window_of(module)
    if not isinstance(module, nn.Conv2d) or window is None:
        return inputs
    if module.weight.dtype == torch.float32:
        # A padded copy of the input, and either copies in another memory format or the unfolded change of few channels.
        return inputs + max(inputs + sizes[node.name], inputs * window.area // FEW)
    unfolded = window.area * module.in_channels * prod(policy.shapes[node.name][1:])
    return inputs + unfolded * module.weight.element_size()  # unfolded: other dtypes have no direct convolution


def _bytes(policy: Policy) -> dict[str, int]:
    """Of each activation, for one frame."""
    itemsize = next(policy.parameters()).element_size()
    return {name: prod(shape) * itemsize for name, shape in policy.shapes.items()}

"""Runs the nodes of a policy's graph one after the other, from any node to any other; see `graph`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformer_lens.hook_points import HookPoint

from mechinterp.policies.errors import PolicyError, UnknownHook


class Step(NamedTuple):
    """A node, ready to run."""

    name: str
    owner: nn.Module  # looked up at each run, so that a replaced module is the one that runs
    key: str
    hook: HookPoint
    inputs: tuple[str, ...]

    @property
    def module(self) -> nn.Module:
        """What computes the node now."""
        module = self.owner._modules[self.key]
        assert module is not None, f"{self.key} was removed"
        return module


def run_steps(
    steps: Sequence[Step],
    live: dict[str, Tensor],
    *,
    first: int,
    stop: int,
    last_use: Mapping[str, int],
    wanted: frozenset[str],
    kept: dict[str, Tensor],
) -> None:
    """Run the steps from position `first` up to, not including, `stop`.

    Args:
        live: the values that they read; what is still needed at the end is in it then.
        last_use: position of the last step that reads each value.
        wanted, kept: names whose values are copied into `kept`.
    """
    for index in range(first, stop):
        step = steps[index]
        value = step.hook(step.module(*[live[read] for read in step.inputs]))
        live[step.name] = value
        if step.name in wanted:
            kept[step.name] = value.clone()
        for read in step.inputs:  # what no later node reads is freed: big batches need two or three maps, not all
            if last_use[read] == index:
                live.pop(read, None)


def checked_values(
    given: Mapping[str, Tensor],
    needed: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, Tensor]:
    """The values that are needed to start in the middle.

    Raises:
        UnknownHook: a value of no hook point.
        PolicyError: a value is missing or misshapen.
    """
    start_at = needed[-1]
    if unknown := [name for name in given if name not in shapes]:
        raise UnknownHook(unknown, tuple(shapes))
    if missing := [name for name in needed if name not in given]:
        raise PolicyError(f"starting at {start_at!r} needs values for {list(needed)}; missing: {missing}")
    for name in needed:  # a wrong shape might otherwise be broadcast by a later sum
        shape, batch = tuple(given[name].shape), len(given[start_at])
        if shape != (batch, *shapes[name]):
            raise PolicyError(f"the value of {name} has shape {shape}; expected {(batch, *shapes[name])}")
    return {name: torch.as_tensor(given[name]) for name in needed}

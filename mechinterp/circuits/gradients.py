"""Gradients of metrics with respect to activations, at a run or averaged on the way to another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from mechinterp.circuits import budget
from mechinterp.circuits.errors import BudgetTooSmall, CircuitError
from mechinterp.circuits.metrics import Measure
from mechinterp.circuits.paired import PairedRuns
from mechinterp.circuits.replacements import Replacement, label
from mechinterp.errors import nearest
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import PolicyOutput

Method = Literal["gradient", "eap-ig inputs", "eap-ig activations"]
"""Where the gradient is taken: at the run that is patched; or averaged on the straight way to the other run, of the
frames, or of the activation itself (all channels of the hook point together)."""
_COPIES = 4
"""Copies of every activation that are held at once: both runs', the graph's and its gradients."""


@dataclass(frozen=True)
class Request:
    """What is asked of gradients, checked.

    Attributes:
        replacement: what would be put in.
        steps: points on the way, for the integrated methods.
        seed: of what `resample` draws.
    """

    method: Method
    replacement: Replacement
    steps: int
    seed: int

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise CircuitError(f"unknown method {self.method!r}{nearest(str(self.method), get_args(Method))}")
        if self.steps < 1:
            raise CircuitError(f"steps must be at least 1, got {self.steps}")
        if self.method == "eap-ig inputs" and self.replacement != "counterfactual":
            raise CircuitError(
                f"'eap-ig inputs' goes from one frame of a pair to the other, and replacement "
                f"{label(self.replacement)!r} has no frame to go to; use 'eap-ig activations'"
            )

    @property
    def rng(self) -> np.random.Generator | None:
        """The generator that `resample` draws from; the same frames each time."""
        return np.random.default_rng(self.seed) if self.replacement == "resample" else None


@dataclass(frozen=True, eq=False)
class Slopes:
    """Of some of the pairs.

    Attributes:
        here: which pairs.
        base: values of the run that is patched, at every node.
        replacement: what would be put in, where it was asked for.
        gradients: one a metric: hook point -> gradient.
    """

    here: slice
    base: Mapping[str, Tensor]
    replacement: Mapping[str, Shaped[Tensor, " #pairs *shape"]]
    gradients: tuple[Mapping[str, Tensor], ...]


def slopes(runs: PairedRuns, request: Request, *, at: Sequence[str], given: Sequence[str]) -> Iterator[Slopes]:
    """Gradients at the hook points `at`, what would be put in at `given` and there, for as many pairs at once as fit.

    Raises:
        BudgetTooSmall: not even one pair fits.
    """
    policy = runs.policy
    itemsize = next(policy.parameters()).element_size()
    each = _COPIES * itemsize * sum(prod(shape) for shape in policy.shapes.values())
    memory = budget.whole_bytes(runs.memory)
    if each > memory:
        raise BudgetTooSmall(budget=memory, needed=each, what="the gradients of one pair")
    at_once, first = memory // each, policy.hook_names[0]
    hooks = policy.select(list({*at, *given}))
    values = runs.supply(hooks, request.replacement, rng=request.rng, at_once=at_once)
    for batch in runs.batches(at_once, other=[first, *hooks]):
        put = values(batch)
        way = _Way(policy, runs.measure, batch.clean, batch.base.values)
        if request.method == "eap-ig activations":
            found = way.by_activation(at, put, request.steps)
        else:
            steps = 0 if request.method == "gradient" else request.steps
            found = way.by_input(at, batch.other.values[first], steps)
        yield Slopes(batch.here, batch.base.values, put, found)


class _Way:
    """Gradients on the way from the values `base`."""

    def __init__(self, policy: Policy, measure: Measure, clean: PolicyOutput, base: Mapping[str, Tensor]) -> None:
        self.policy, self.measure, self.clean, self.base = policy, measure, clean, base

    def by_input(self, hooks: Sequence[str], other: Tensor, steps: int) -> tuple[dict[str, Tensor], ...]:
        """Mean gradients at all hook points, in the middles of `steps` parts of the way of the frames; 0: at `base`."""
        first = self.policy.hook_names[0]
        base = self.base[first]
        total = [{hook: torch.zeros_like(self.base[hook]) for hook in hooks} for _ in self.measure.names]
        for share in _middles(steps):
            frame = base + share * (other - base)
            for sums, found in zip(total, self._at(first, frame, hooks), strict=True):
                for hook in hooks:
                    sums[hook] += found[hook] / max(1, steps)
        return tuple(total)

    def by_activation(
        self, hooks: Sequence[str], goal: Mapping[str, Tensor], steps: int
    ) -> tuple[dict[str, Tensor], ...]:
        """Mean gradients at each hook point, over the middles of `steps` parts of the way of its own value."""
        total = [{hook: torch.zeros_like(self.base[hook]) for hook in hooks} for _ in self.measure.names]
        for hook in hooks:
            base = self.base[hook]
            for share in _middles(steps):
                for sums, found in zip(total, self._at(hook, base + share * (goal[hook] - base), [hook]), strict=True):
                    sums[hook] += found[hook] / steps
        return tuple(total)

    def _at(self, start: str, value: Tensor, hooks: Sequence[str]) -> list[dict[str, Tensor]]:
        """Gradients at `hooks`, of the run that goes on from `value` at `start`."""
        kept: dict[str, Tensor] = {start: value.detach().requires_grad_()}

        def keep(name: str):
            def hook(value: Tensor, hook: object) -> None:
                kept[name] = value

            return hook

        with torch.enable_grad(), self.policy.hooks_on({name: keep(name) for name in hooks if name != start}):
            output = self.policy(start_at=start, values={**self.base, start: kept[start]})
            measured = self.measure(output, self.clean)
            wanted = [kept[name] for name in hooks]
            found = []
            for i, row in enumerate(measured):
                last = i == len(measured) - 1
                if not row.requires_grad:  # a metric that reads nothing after `start`
                    found.append([None] * len(wanted))
                    continue
                found.append(torch.autograd.grad(row.sum(), wanted, retain_graph=not last, allow_unused=True))
        return [
            {
                name: torch.zeros_like(value) if slope is None else slope
                for name, value, slope in zip(hooks, wanted, one, strict=True)
            }
            for one in found
        ]


def _middles(steps: int) -> list[float]:
    """Shares of the way: the middles of `steps` equal parts, or its start."""
    return [(k + 0.5) / steps for k in range(steps)] if steps else [0.0]

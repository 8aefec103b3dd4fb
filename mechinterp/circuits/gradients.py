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
from mechinterp.circuits.donors import Cache, Source, donor, label
from mechinterp.circuits.effects import Direction
from mechinterp.circuits.errors import BudgetTooSmall, CircuitError
from mechinterp.circuits.metrics import Measure
from mechinterp.circuits.pairs import FramePairs, tensor
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
        steps: points on the way, for the integrated methods.
        seed: of what `resample` draws.
    """

    method: Method
    direction: Direction
    source: Source | Cache
    steps: int
    memory: int
    seed: int

    def __post_init__(self) -> None:
        for name, value, known in (
            ("method", self.method, get_args(Method)),
            ("direction", self.direction, get_args(Direction)),
        ):
            if value not in known:
                raise CircuitError(f"unknown {name} {value!r}{nearest(str(value), known)}")
        if self.steps < 1:
            raise CircuitError(f"steps must be at least 1, got {self.steps}")
        if self.method == "eap-ig inputs" and self.source != "other":
            raise CircuitError(
                f"'eap-ig inputs' goes from one frame of a pair to the other, and source {label(self.source)!r} has no "
                "frame to go to; use 'eap-ig activations'"
            )

    @property
    def rng(self) -> np.random.Generator | None:
        """The generator that `donor` and `patch` draw from; the same frames each time."""
        return np.random.default_rng(self.seed) if self.source == "resample" else None


@dataclass(frozen=True, eq=False)
class Slopes:
    """Of some of the pairs.

    Attributes:
        here: which pairs.
        base: values of the run that is patched, at every node.
        donor: what is put in, where it was asked for.
        gradients: one a metric: hook point -> gradient.
    """

    here: slice
    base: Mapping[str, Tensor]
    donor: Mapping[str, Shaped[Tensor, " #pairs *shape"]]
    gradients: tuple[Mapping[str, Tensor], ...]


def slopes(
    policy: Policy,
    pairs: FramePairs,
    measure: Measure,
    request: Request,
    *,
    at: Sequence[str],
    given: Sequence[str],
) -> Iterator[Slopes]:
    """Gradients at the hook points `at`, what is put in at `given` and there, for as many pairs at once as fit.

    Raises:
        BudgetTooSmall: not even one pair fits.
    """
    itemsize = next(policy.parameters()).element_size()
    each = _COPIES * itemsize * sum(prod(shape) for shape in policy.shapes.values())
    memory = budget.whole_bytes(request.memory)
    if each > memory:
        raise BudgetTooSmall(budget=memory, needed=each, what="the gradients of one pair")
    at_once, count = memory // each, len(pairs.clean)
    hooks = policy.select(list({*at, *given}))
    reference = None
    if request.source in ("mean", "resample"):
        reference = np.concatenate([pairs.clean, pairs.corrupted])
    give = donor(policy, hooks, request.source, count, reference=reference, rng=request.rng, batch=at_once)
    for first in range(0, count, at_once):
        here = slice(first, min(first + at_once, count))
        clean, corrupted = tensor(pairs.clean[here]), tensor(pairs.corrupted[here])
        base, other = (corrupted, clean) if request.direction == "denoise" else (clean, corrupted)
        base_run, other_run = policy.capture(base), policy.capture(other, [policy.hook_names[0], *hooks])
        intact = (other_run if request.direction == "denoise" else base_run).output
        put = other_run.values if give is None else give(here)
        way = _Way(policy, measure, intact, base_run.values)
        if request.method == "eap-ig activations":
            found = way.by_activation(at, put, request.steps)
        else:
            steps = 0 if request.method == "gradient" else request.steps
            found = way.by_input(at, other_run.values[policy.hook_names[0]], steps)
        yield Slopes(here, base_run.values, put, found)


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
        self, hooks: Sequence[str], donor: Mapping[str, Tensor], steps: int
    ) -> tuple[dict[str, Tensor], ...]:
        """Mean gradients at each hook point, over the middles of `steps` parts of the way of its own value."""
        total = [{hook: torch.zeros_like(self.base[hook]) for hook in hooks} for _ in self.measure.names]
        for hook in hooks:
            base = self.base[hook]
            for share in _middles(steps):
                for sums, found in zip(total, self._at(hook, base + share * (donor[hook] - base), [hook]), strict=True):
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

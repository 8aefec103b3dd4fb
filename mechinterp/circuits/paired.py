"""`PairedRuns`: a policy run on both sides of pairs of frames, batch by batch. All studies of circuits stand on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from torch import Tensor

from mechinterp.circuits import budget
from mechinterp.circuits.effects import Direction, Effects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.metrics import Measure, Metrics
from mechinterp.circuits.pairs import AnyPairs, as_pairs, tensor
from mechinterp.circuits.replacements import FROM_FRAMES, Replacement, Supply, label, supply
from mechinterp.interventions.engine.fast import FastSuffix, can_run
from mechinterp.interventions.engine.plain import PlainSuffix, Suffix
from mechinterp.interventions.sites import Site
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import Captured, PolicyOutput

MEMORY = 1 << 30
"""Bytes that activations may take, unless the caller says otherwise: 1 GiB."""
MEASURED = 4096
"""Rows whose metrics are computed at once."""
DIRECTIONS: tuple[Direction, Direction] = ("denoise", "noise")
Side = Literal["clean", "corrupted"]


class PairedRuns:
    """A policy, its pairs, what is measured on them, and the memory that all this may take.

    Attributes:
        policy, direction, metrics, memory: as given.
        pairs: checked.
        measure: the metrics.
        base_side: the side whose run is changed.
        ends: metrics of the unchanged runs, "base" and "other", filled in by `batches`.
    """

    def __init__(
        self,
        policy: Policy,
        pairs: AnyPairs,
        *,
        direction: Direction,
        metrics: Metrics,
        memory: int,
        base_side: Side | None = None,
    ) -> None:
        """Check and keep.

        Args:
            base_side: by default the corrupted side when denoising, the clean one when noising.

        Raises:
            CircuitError: pairs that do not fit together, an unknown direction or metric.
        """
        self.pairs = as_pairs(pairs)
        check_direction(direction)
        self.policy, self.metrics, self.memory = policy, metrics, memory
        self.direction: Direction = direction
        self.base_side: Side = base_side or ("corrupted" if direction == "denoise" else "clean")
        self.measure = Measure(policy, metrics)
        self.ends = {name: np.empty((len(self.measure.names), self.count)) for name in ("base", "other")}

    @property
    def count(self) -> int:
        """How many pairs there are."""
        return len(self.pairs.clean)

    @property
    def both_sides(self) -> UInt8[np.ndarray, "both 64 64 3"]:
        """The frames of both sides: what `mean` and `resample` take unless reference frames are given."""
        return np.concatenate([self.pairs.clean, self.pairs.corrupted])

    def plan(self, hooks: Sequence[str], cached: Sequence[str]) -> budget.Plan:
        """The largest batches that fit in memory; see `budget.plan`. Raises BudgetTooSmall."""
        return budget.plan(self.policy, hooks, self.count, memory=self.memory, cached=cached)

    def supply(
        self,
        hooks: Sequence[str],
        replacement: Replacement,
        *,
        rng: np.random.Generator | None,
        at_once: int,
        reference: Any = None,
    ) -> Supply:
        """`replacements.supply` for these pairs, the frames of both sides being the default reference."""
        if reference is None and label(replacement) in FROM_FRAMES:
            reference = self.both_sides
        options = {"reference": reference, "rng": rng, "at_once": at_once}
        return supply(self.policy, hooks, replacement, self.count, **options)

    def batches(
        self, at_once: int, *, base: Sequence[str] | None = None, other: Sequence[str] | None = None
    ) -> Iterator[Batch]:
        """Both runs of so many pairs at a time.

        Args:
            base, other: hook points whose values are kept, of the run that is changed and of the other (all, if None).
        """
        for at in range(0, self.count, at_once):
            here = slice(at, min(at + at_once, self.count))
            runs = {side: self._capture(side, here, base if side == self.base_side else other) for side in _SIDES}
            other_side = next(side for side in _SIDES if side != self.base_side)
            batch = Batch(self, here, runs[self.base_side], runs[other_side], runs["clean"].output)
            self.ends["base"][:, here] = batch.measured(batch.base.output)
            self.ends["other"][:, here] = batch.measured(batch.other.output)
            yield batch

    def empty(self, parts: int) -> Float64[np.ndarray, "metrics parts pairs"]:
        """Room for the metrics of the run of each part."""
        return np.empty((len(self.measure.names), parts, self.count))

    def effects(
        self,
        parts: Sequence[Any],
        run: Float64[np.ndarray, "metrics parts pairs"],
        *,
        replacement: str | tuple[str, ...],
        start: Float64[np.ndarray, "metrics pairs"] | None = None,
        goal: Float64[np.ndarray, "metrics pairs"] | None = None,
    ) -> Effects[Any]:
        """The metrics of the run of each part, as effects.

        Args:
            start, goal: by default those of the unchanged runs.
        """
        start = self.ends["base"] if start is None else start
        sign = 1.0 if self.direction == "denoise" else -1.0
        return Effects(
            parts=tuple(parts),
            metrics=self.measure.names,
            direction=self.direction,
            replacement=replacement,
            values=sign * (run - start[:, None]),
            start=start,
            goal=self.ends["other"] if goal is None else goal,
            levels=np.asarray(self.pairs.levels),
        )

    @torch.no_grad()
    def _capture(self, side: Side, here: slice, names: Sequence[str] | None) -> Captured:
        frames = tensor(getattr(self.pairs, side)[here])
        if names is not None and not names:
            return Captured(self.policy(frames), {})
        return self.policy.capture(frames, names)


@dataclass(frozen=True, eq=False)
class Batch:
    """Both unchanged runs of some pairs.

    Attributes:
        here: which pairs.
        base: the run that is changed.
        other: the run that it is compared with.
        clean: output of the clean one of the two.
    """

    runs: PairedRuns
    here: slice
    base: Captured
    other: Captured
    clean: PolicyOutput

    @property
    def count(self) -> int:
        """How many pairs there are."""
        return self.here.stop - self.here.start

    def suffix(self, replacement: Mapping[str, Tensor], *, fast: bool, rows: Mapping[str, int]) -> Suffix:
        """The network behind the sites, with `replacement` put in there."""
        kind = FastSuffix if fast else PlainSuffix
        return kind(self.runs.policy, self.base.values, replacement, first=self.here.start, rows=rows)

    def measured(self, output: PolicyOutput, pairs: slice = slice(None)) -> Float64[np.ndarray, "metrics *parts pairs"]:
        """The metrics of outputs `[pairs, ...]` or `[parts, pairs, ...]`, some parts at a time.

        Args:
            pairs: which of the batch's pairs these are (all).
        """
        clean = PolicyOutput(self.clean.logits[pairs], self.clean.value[pairs])
        if output.value.ndim == 1:
            return _array(self.runs.measure(output, clean))
        parts, count = output.value.shape
        found = np.empty((len(self.runs.measure.names), parts, count))
        step = max(1, MEASURED // count)
        for at in range(0, parts, step):
            rows = PolicyOutput(output.logits[at : at + step].flatten(0, 1), output.value[at : at + step].flatten())
            times = len(rows.value) // count
            unchanged = PolicyOutput(clean.logits.repeat(times, 1), clean.value.repeat(times))
            found[:, at : at + step] = _array(self.runs.measure(rows, unchanged).unflatten(1, (times, count)))
        return found

    def with_value(
        self, hook: str, value: Tensor, channels: Sequence[tuple[int, ...] | None], rows: Mapping[str, int]
    ) -> Float64[np.ndarray, "metrics parts pairs"]:
        """Metrics of the changed run with some channels of `value` put in at `hook`, one set of channels at a time."""
        suffix = self.suffix({hook: value}, fast=can_run(self.runs.policy, hook), rows=rows)
        return self.measured(suffix([Site(hook, some) for some in channels], slice(0, self.count)))


def check_direction(direction: str) -> None:
    """Raise CircuitError for what is no direction."""
    if direction not in DIRECTIONS:
        raise CircuitError(f"direction must be 'denoise' or 'noise', got {direction!r}")


_SIDES: tuple[Side, Side] = ("clean", "corrupted")


def _array(values: Tensor) -> np.ndarray:
    return values.double().cpu().numpy()

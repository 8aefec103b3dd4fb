"""What direct effects and path patching have in common: the runs, what is put in, memory, and the labelled result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mechinterp.circuits import budget
from mechinterp.circuits.carried import Carried
from mechinterp.circuits.donors import Cache, Source, donor, label
from mechinterp.circuits.effects import Direction
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.fast.suffix import FastSuffix, can_run
from mechinterp.circuits.graph import ResidualGraph, refuse_hooks
from mechinterp.circuits.metrics import Measure, Metrics
from mechinterp.circuits.pairs import FramePairs, Pairs, as_pairs, tensor
from mechinterp.circuits.sites import PatchSite
from mechinterp.circuits.suffix import PlainSuffix, Suffix
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import Captured, PolicyOutput


class Study:
    """A policy, its pairs, and what is to be measured on them.

    Args:
        put_in: hook points whose values are taken from elsewhere.
    """

    def __init__(
        self,
        policy: Policy,
        graph: ResidualGraph,
        pairs: Pairs | tuple[np.ndarray | Tensor, np.ndarray | Tensor],
        *,
        put_in: Iterable[str],
        direction: Direction,
        source: Source | Cache,
        metrics: Metrics,
        rng: np.random.Generator | None,
        memory: int,
    ) -> None:
        refuse_hooks(policy)
        if direction not in ("denoise", "noise"):
            raise CircuitError(f"direction must be 'denoise' or 'noise', got {direction!r}")
        self.policy, self.graph, self.source = policy, graph, label(source)
        self.direction: Direction = direction
        self.framed: FramePairs = as_pairs(pairs)
        self.count = len(self.framed.clean)
        self.measure = Measure(policy, metrics)
        hooks, self.put_in = policy.select(list(graph.widths)), policy.select(list(put_in))
        self.size = budget.plan(policy, hooks, self.count, memory=memory, cached=policy.hook_names)
        reference = None
        if source in ("mean", "resample"):
            reference = np.concatenate([self.framed.clean, self.framed.corrupted])
        self.give = donor(policy, self.put_in, source, self.count, reference=reference, rng=rng, batch=self.size.pairs)
        self.ends = {name: np.empty((len(self.measure.names), self.count)) for name in ("base", "other")}

    def parts(self) -> Iterator[StudyPart]:
        for at in range(0, self.count, self.size.pairs):
            here = slice(at, min(at + self.size.pairs, self.count))
            clean, corrupted = tensor(self.framed.clean[here]), tensor(self.framed.corrupted[here])
            base, other = (corrupted, clean) if self.direction == "denoise" else (clean, corrupted)
            run = self.policy.capture(base)
            give = self.give
            if give is None:
                given = self.policy.capture(other, self.put_in)
            else:
                given = Captured(self.policy(other), give(here))
            intact = given.output if self.direction == "denoise" else run.output
            part = StudyPart(
                self, here, run.values, given.values, intact, self.measure(run.output, intact).cpu().numpy()
            )
            self.ends["base"][:, here] = part.unpatched
            self.ends["other"][:, here] = self.measure(given.output, intact).cpu().numpy()
            yield part

    def carried(self, parts: tuple, patched: np.ndarray) -> Carried:
        return Carried(
            parts=parts,
            metrics=self.measure.names,
            direction=self.direction,
            source=self.source,
            run=patched,
            start=self.ends["base"],
            goal=self.ends["other"],
            levels=np.asarray(self.framed.levels),
        )


@dataclass(frozen=True, eq=False)
class StudyPart:
    """Some of the pairs: every value of the run that is changed, what is put in, and how to run on."""

    study: Study
    here: slice
    values: Mapping[str, Tensor]
    donor: Mapping[str, Tensor]
    clean: PolicyOutput
    unpatched: np.ndarray

    def measured(self, value: Tensor, hook: str, channels: Sequence[tuple[int, ...] | None]) -> np.ndarray:
        """Metrics [metrics, patches, pairs] of the run with some channels of `value` put in at `hook`."""
        study, count = self.study, self.here.stop - self.here.start
        sites = [PatchSite(hook, some) for some in channels]
        kind = FastSuffix if can_run(study.policy, hook) else PlainSuffix
        suffix: Suffix = kind(study.policy, self.values, {hook: value}, first=0, rows=study.size.rows)
        output = suffix(sites, slice(0, count))
        rows = PolicyOutput(output.logits.flatten(0, 1), output.value.flatten())
        clean = PolicyOutput(self.clean.logits.repeat(len(sites), 1), self.clean.value.repeat(len(sites)))
        return study.measure(rows, clean).unflatten(1, (len(sites), count)).cpu().numpy()

"""Finding circuits: exact or approximate effects, ACDC, (in `masks`) a learned mask and (in `paths`) path patching. All
give a `Ranking`.

Which way finds what (the planted networks show it):

- **denoise** (put a part of the clean run into the corrupted one) finds parts that are enough by themselves: each of
  two redundant paths shows its whole effect. It misses a part that does nothing without another one (an AND).
- **noise** (the reverse) finds parts that are needed. Of two redundant paths neither is, since the other one backs it
  up: they show next to nothing, though never less than parts with no effect at all.
- **both**, the larger of the two, misses neither; so it is the default.
- **gradients** are blind where a relu is shut in the run that they are taken at. EAP-IG takes them at points on the way
  to the other run, where it may be open; yet of two redundant paths it, too, misses parts, since the answer is flat in
  both as soon as one is enough.
- **ACDC** keeps one of two redundant paths, and which one depends on the order: the first that is tried goes.
- **path patching** (both ways) finds both: along one route at a time it also sees what several units cancel together.
- a **gate** (a coin AND lava) is in no pair of frames: give `TwoByTwo` scenes to exact effects (noising or both), path
  patching or ACDC. What only shuts a unit is missed by gradients, denoising and the mask; paths that cancel have no
  total effect, so that what takes shares of it (ACDC, path patching, the mask) refuses, and exact effects find them.
- a **learned mask** ranks the parts of both above idle ones, but need not keep either path whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from mechinterp.circuits.attribution import attribution_patching
from mechinterp.circuits.circuit import Circuit, Kind, Part, candidates
from mechinterp.circuits.effects import Direction, Effects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.gradients import Method
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.circuits.nodes import Edge, Node
from mechinterp.circuits.paired import MEMORY
from mechinterp.circuits.pairs import Pairs
from mechinterp.circuits.patching import patch
from mechinterp.circuits.ranking import Ranking
from mechinterp.circuits.replacements import Named
from mechinterp.circuits.routes import edge_effects
from mechinterp.circuits.running import run_circuit
from mechinterp.circuits.zero import refuse_zero
from mechinterp.interventions.sites import Site
from mechinterp.policies.graph import Policy

Way = Literal["denoise", "noise", "both"]
BLOCK = 16
"""Candidates that pruning tries ahead in one batch, at most."""


def by_effects(
    policy: Policy,
    pairs: Pairs,
    *,
    kind: Kind,
    way: Way = "both",
    metric: str = "movement",
    universe: Sequence[str] | None = None,
    memory: int = MEMORY,
) -> Ranking:
    """Rank by exact effects: the mean size over pairs of each part's effect, patched by itself.

    Of a node that is the total effect of its channel, of an edge its direct effect (`edge_effects`).

    Raises:
        CircuitError: options or pairs that do not fit.
    """
    empty, parts = nothing(policy, kind, universe, "counterfactual")
    found = [
        exact_effects(policy, pairs, parts, direction=each, metric=metric, memory=memory) for each in directions(way)
    ]
    scores = [np.abs(one.effect(metric)).mean(1) for one in found]
    return Ranking(f"exact effects, {way}", parts, np.max(scores, axis=0), empty)


def by_attribution(
    policy: Policy,
    pairs: Pairs,
    *,
    kind: Kind,
    rng: np.random.Generator,
    method: Method = "eap-ig inputs",
    way: Way = "both",
    metric: str = "movement",
    universe: Sequence[str] | None = None,
    memory: int = MEMORY,
) -> Ranking:
    """Rank as `by_effects`, by attribution patching or EAP-IG: quick, and only as good as `Ranking.agreement` says.

    Args:
        rng: draws the parts that are also patched exactly.

    Raises:
        CircuitError: options or pairs that do not fit; too few parts to compare.
    """
    empty, parts = nothing(policy, kind, universe, "counterfactual")
    found = [
        attribution_patching(
            policy, pairs, _patched(parts), rng=rng, method=method, direction=each, metrics=metric, memory=memory
        )
        for each in directions(way)
    ]
    scores = np.max([np.abs(one.effect(metric)).mean(1) for one in found], axis=0)
    agreement = tuple(one.rank_correlation(metric).renamed(f"{one.direction}: rank correlation") for one in found)
    return Ranking(f"{method}, {way}", parts, scores, empty, agreement)


def exact_effects(
    policy: Policy,
    pairs: Pairs,
    parts: Sequence[Part],
    *,
    direction: Direction = "denoise",
    metric: str = "movement",
    memory: int = MEMORY,
) -> Effects[Any]:
    """The exact effect of each node or edge by itself, in every pair."""
    exactly: Any = edge_effects if isinstance(parts[0], Edge) else patch
    found = exactly(policy, pairs, _patched(parts), direction=direction, metrics=metric, memory=memory)
    return replace(found, parts=tuple(parts))


def acdc(
    policy: Policy,
    pairs: Pairs,
    *,
    kind: Kind,
    threshold: float = 0.01,
    direction: Direction = "denoise",
    metric: str = "movement",
    universe: Sequence[str] | None = None,
    ablation: Named = "counterfactual",
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
) -> Ranking:
    """Rank by automated circuit discovery (ACDC; Conmy et al. 2023): greedy pruning.

    From the output back to the input, each part is taken out of what is left of the circuit; it stays out if that
    changes the metric by no more than `threshold` of the total effect. Kept parts rank by the damage, above all that
    were pruned: `Ranking.above(threshold)` is the circuit that pruning ends with.

    Args:
        threshold: mean size over pairs of the change of the metric, as a share of the mean size of the total effect.
        rng: draws the values of the ablation `resample`, the same ones for every circuit that is tried.

    Raises:
        ZeroEffect: no pair has an effect.
        CircuitError: options or pairs that do not fit.
    """
    check_threshold(threshold)
    empty, parts = nothing(policy, kind, universe, ablation)
    seed = None if rng is None else int(rng.integers(2**63))

    def run(circuits: Sequence[Circuit]) -> Effects[Circuit]:
        again = None if seed is None else np.random.default_rng(seed)
        return run_circuit(policy, pairs, circuits, direction=direction, metrics=metric, rng=again, memory=memory)

    whole = run([empty.with_parts(parts)])
    scale, before = float(np.abs(whole.total(metric)).mean()), whole.effect(metric)[0]
    refuse_zero(whole.total(metric), metric, "there is nothing to prune against")
    left, damage, position, ahead = list(parts), dict.fromkeys(parts, 0.0), len(parts) - 1, BLOCK
    while position >= 0:
        tried = [parts[i] for i in range(position, max(-1, position - ahead), -1)]
        circuits = []
        for count in range(1, len(tried) + 1):
            gone = set(tried[:count])
            circuits.append(empty.with_parts(part for part in left if part not in gone))
        # Each run leaves out one part more; up to the first that hurts, they are what one at a time would give.
        for part, left_over in zip(tried, run(circuits).effect(metric), strict=True):
            position -= 1
            damage[part] = float(np.abs(left_over - before).mean()) / scale
            if damage[part] > threshold:  # the runs behind it were for nothing: try fewer at once
                ahead = max(1, ahead // 2)
                break
            left.remove(part)
            before = left_over
        else:
            ahead = min(BLOCK, 2 * ahead)
    return Ranking("ACDC", parts, np.array([damage[part] for part in parts]), empty)


def nothing(
    policy: Policy, kind: Kind, universe: Sequence[str] | None, ablation: Named
) -> tuple[Circuit, tuple[Part, ...]]:
    """The empty circuit of a universe, and its candidates."""
    if kind not in get_args(Kind):
        raise CircuitError(f"kind must be one of {get_args(Kind)}, got {kind!r}")
    empty = Circuit.of(policy, (), kind=kind, universe=universe, ablation=ablation)
    return empty, candidates(ResidualGraph.of(policy), kind, empty.universe)


def check_threshold(threshold: float) -> None:
    """Raise CircuitError for a share of the total effect below 0, or none at all."""
    if not threshold >= 0:  # nor is NaN
        raise CircuitError(f"threshold must be a share of the total effect of 0 or more, got {threshold}")


def directions(way: Way) -> tuple[Direction, ...]:
    """The directions that a way takes. Raises CircuitError for an unknown one."""
    if way not in get_args(Way):
        raise CircuitError(f"way must be one of {get_args(Way)}, got {way!r}")
    return ("denoise", "noise") if way == "both" else (way,)


def _patched(parts: Sequence[Part]) -> list[Site] | list[Edge]:
    """The site of each node; edges as they are."""
    edges = [part for part in parts if isinstance(part, Edge)]
    return edges or [Site(part.hook, part.channel) for part in parts if isinstance(part, Node)]

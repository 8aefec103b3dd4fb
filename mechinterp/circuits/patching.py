"""Activation patching, exactly: every patch is run (Vig et al. 2020; Geiger et al. 2021; Zhang & Nanda 2024)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from torch import Tensor

from mechinterp.circuits import budget
from mechinterp.circuits.donors import Cache, Source, label
from mechinterp.circuits.effects import Direction, PatchEffects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.fast.suffix import FastSuffix, can_run
from mechinterp.circuits.metrics import Measure, Metrics
from mechinterp.circuits.pairs import FramePairs, Pairs, as_pairs, tensor
from mechinterp.circuits.sites import PatchSite, checked
from mechinterp.circuits.sources import FROM_FRAMES, by_source, donors, hooks_of
from mechinterp.circuits.suffix import PlainSuffix, Suffix
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import Captured, PolicyOutput

Engine = Literal["auto", "whole"]
MEASURED = 4096
"""Rows whose metrics are computed at once."""
MEMORY = 1 << 30
"""Bytes that patching may use, unless the caller says otherwise: 1 GiB."""


@torch.no_grad()
def patch(
    policy: Policy,
    pairs: Pairs | tuple[np.ndarray | Tensor, np.ndarray | Tensor],
    sites: Sequence[PatchSite],
    *,
    direction: Direction = "denoise",
    source: Source | Cache = "other",
    caches: Mapping[str, Cache] | None = None,
    metrics: Metrics = "movement",
    reference: UInt8[np.ndarray, "n 64 64 3"] | None = None,
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
    engine: Engine = "auto",
) -> PatchEffects:
    """Patch each site, by itself, in every pair.

    Each run is computed once up to the last site, whatever the number of sources; then only what comes after a site is
    run, many patches in one batch. Sites of different sources go into one call: each `PatchSite` may name its own.
    Hooks that are on the policy stay in force, in the cached runs as in the patched ones.

    Args:
        pairs: minimal pairs, or (clean frames, corrupted frames).
        sites: what to patch; `channel_sites` lists every channel.
        direction: `denoise` patches the corrupted run, `noise` the clean one.
        source: what is put in at sites that name no source of their own: `other`, the value of the other run; `mean`
            over `reference`, cell by cell; `zero`; `resample`, the value of a frame of `reference` that `rng` draws for
            each pair; or values of any run of your own, as a mapping from every hook point patched with it to
            [pairs, *shape] or [1, *shape].
        caches: name -> values of runs of your own, for sites whose `source` is that name.
        metrics: names out of `READOUTS`, ``action:NAME`` or ``kl``; or name -> any readout, such as a
            function of (logits, value).
        reference: frames for `mean` and `resample`, at whatever sites; by default those of the pairs, both sides.
        memory: bytes for activations, at most (besides the network, the frames, a cache given and the result).
        engine: `whole` runs every node after a site for whole maps, through the network itself; `auto` runs only what a
            patch changes, exactly but for rounding, where the network's layers are known and no hooks are on them.

    Raises:
        CircuitError: no sites, pairs that do not fit together, a cache that does not fit the network or the pairs, an
            unknown direction, source or metric.
        UnknownHook, InterventionError: a site that the policy does not have.
        BudgetTooSmall: not even one patch of one pair fits in `memory`.
    """
    framed = as_pairs(pairs)
    count = len(framed.clean)
    sites = checked(policy, sites, count)
    if direction not in ("denoise", "noise"):
        raise CircuitError(f"direction must be 'denoise' or 'noise', got {direction!r}")
    measure = Measure(policy, metrics)
    groups = by_source(sites, source, caches or {})
    if engine not in get_args(Engine):
        raise CircuitError(f"engine must be one of {get_args(Engine)}, got {engine!r}")
    fast = engine == "auto" and can_run(policy, hooks_of(policy, groups)[0])
    if fast:
        groups = [group.merged(policy) for group in groups]
    hooks = hooks_of(policy, groups)
    cached = (budget.onwards if fast else budget.starts)(policy, hooks)
    more = [hook for group in groups[1:] for hook in hooks_of(policy, [group])]  # each source's values are kept
    size = budget.plan(policy, hooks, count, memory=memory, cached=[*cached, *more])
    if reference is None and any(group.source in FROM_FRAMES for group in groups):
        reference = np.concatenate([framed.clean, framed.corrupted])
    give = donors(policy, groups, count, reference=reference, rng=rng, batch=size.pairs)
    of_other = hooks_of(policy, [group for group in groups if give[group.name] is None])

    patched = np.empty((len(measure.names), len(sites), count))
    unpatched = {name: np.empty((len(measure.names), count)) for name in ("clean", "corrupted")}
    for at in range(0, count, size.pairs):
        here = slice(at, min(at + size.pairs, count))
        runs = _Runs(policy, framed, here, direction, cached, of_other)
        unpatched["clean"][:, here] = _array(measure(runs.clean, runs.clean))
        unpatched["corrupted"][:, here] = _array(measure(runs.corrupted, runs.clean))
        kind = FastSuffix if fast else PlainSuffix
        start: Suffix = kind(policy, runs.values, {}, first=at, rows=size.rows)
        for group in groups:
            values = give[group.name]
            suffix = start.putting_in(runs.other_values if values is None else values(here))
            for part in _parts(group.run, here.stop - at, size):
                found = _measured(measure, suffix(group.run, part), runs.clean, part)
                patched[:, group.members, at + part.start : at + part.stop] = found[:, group.index]
    return PatchEffects(
        sites=sites,
        metrics=measure.names,
        direction=direction,
        source=label(source),
        patched=patched,
        clean=unpatched["clean"],
        corrupted=unpatched["corrupted"],
        levels=np.asarray(framed.levels),
    )


class _Runs:
    """Both unpatched runs of some pairs.

    Attributes:
        values: of the run that is going to be patched, at the nodes `cached`.
        other_values: of the other run, at the nodes `of_other`.
    """

    def __init__(
        self,
        policy: Policy,
        pairs: FramePairs,
        here: slice,
        direction: Direction,
        cached: Sequence[str],
        of_other: Sequence[str],
    ) -> None:
        clean, corrupted = tensor(pairs.clean[here]), tensor(pairs.corrupted[here])
        base, other = (corrupted, clean) if direction == "denoise" else (clean, corrupted)
        base_run = policy.capture(base, cached)
        other_run = policy.capture(other, of_other) if of_other else Captured(policy(other), {})
        self.values: Mapping[str, Tensor] = base_run.values
        self.other_values: Mapping[str, Tensor] = other_run.values
        outputs: tuple[PolicyOutput, PolicyOutput] = (base_run.output, other_run.output)
        self.corrupted, self.clean = outputs if direction == "denoise" else outputs[::-1]


def _parts(sites: Sequence[PatchSite], pairs: int, size: budget.Plan) -> Iterator[slice]:
    """The pairs in parts that make, with the sites of one hook point, batches of about the best size."""
    each = max(Counter(site.hook for site in sites).values())
    most = max(1, min(budget.BEST_ROWS // each, *size.rows.values()))
    for first in range(0, pairs, most):
        yield slice(first, min(first + most, pairs))


def _measured(
    measure: Measure, output: PolicyOutput, clean: PolicyOutput, pairs: slice
) -> Float64[np.ndarray, "metrics sites pairs"]:
    """The metrics of outputs `[sites, pairs, ...]`, some sites at a time."""
    sites, count = output.value.shape
    found = np.empty((len(measure.names), sites, count))
    step = max(1, MEASURED // count)
    for at in range(0, sites, step):
        rows = PolicyOutput(output.logits[at : at + step].flatten(0, 1), output.value[at : at + step].flatten())
        times = len(rows.value) // count
        unpatched = PolicyOutput(clean.logits[pairs].repeat(times, 1), clean.value[pairs].repeat(times))
        found[:, at : at + step] = _array(measure(rows, unpatched).unflatten(1, (times, count)))
    return found


def _array(values: Tensor) -> np.ndarray:
    return values.double().cpu().numpy()

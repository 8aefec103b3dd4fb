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
from mechinterp.circuits.donors import Cache, Source, donor, label
from mechinterp.circuits.effects import Direction, PatchEffects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.fast.alike import merged
from mechinterp.circuits.fast.suffix import FastSuffix, can_run
from mechinterp.circuits.metrics import Measure, Metrics
from mechinterp.circuits.pairs import FramePairs, Pairs, as_pairs, tensor
from mechinterp.circuits.sites import PatchSite, checked
from mechinterp.circuits.suffix import PlainSuffix
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import Captured, PolicyOutput

Engine = Literal["auto", "whole"]
ONE_RUN = ("other", "zero", "resample")
"""Sources whose values at different hook points are those of one run (zeros stay zeros behind a relu or a pool)."""
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
    metrics: Metrics = "movement",
    reference: UInt8[np.ndarray, "n 64 64 3"] | None = None,
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
    engine: Engine = "auto",
) -> PatchEffects:
    """Patch each site, by itself, in every pair.

    Each run is computed once up to the last site; then only what comes after a site is run, many patches in one batch.
    Hooks that are on the policy stay in force, in the cached runs as in the patched ones.

    Args:
        pairs: minimal pairs, or (clean frames, corrupted frames).
        sites: what to patch; `channel_sites` lists every channel.
        direction: `denoise` patches the corrupted run, `noise` the clean one.
        source: what is put in: `other`, the value of the other run; `mean` over `reference`, cell by cell; `zero`;
            `resample`, the value of a frame of `reference` that `rng` draws for each pair; or values of any run of your
            own, as a mapping from every patched hook point to [pairs, *shape] or [1, *shape].
        metrics: names out of `metrics.BUILT_IN`, or name -> function of (logits, value) that gives one number a row.
        reference: frames for `mean` and `resample`; by default those of the pairs, both sides.
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
    hooks = policy.select(list({site.hook: None for site in sites}))
    if engine not in get_args(Engine):
        raise CircuitError(f"engine must be one of {get_args(Engine)}, got {engine!r}")
    fast = engine == "auto" and can_run(policy, hooks[0])
    if fast and source in ONE_RUN:
        run, index = merged(policy, sites)
        hooks = policy.select(list({site.hook: None for site in run}))
    else:
        run, index = sites, np.arange(len(sites))
    cached = (budget.onwards if fast else budget.starts)(policy, hooks)
    size = budget.plan(policy, hooks, count, memory=memory, cached=cached)
    if reference is None and source in ("mean", "resample"):
        reference = np.concatenate([framed.clean, framed.corrupted])
    give = donor(policy, hooks, source, count, reference=reference, rng=rng, batch=size.pairs)

    patched = np.empty((len(measure.names), len(sites), count))
    unpatched = {name: np.empty((len(measure.names), count)) for name in ("clean", "corrupted")}
    for at in range(0, count, size.pairs):
        here = slice(at, min(at + size.pairs, count))
        runs = _Runs(policy, framed, here, direction, cached, hooks if give is None else ())
        unpatched["clean"][:, here] = _array(measure(runs.clean, runs.clean))
        unpatched["corrupted"][:, here] = _array(measure(runs.corrupted, runs.clean))
        values = runs.other_values if give is None else give(here)
        suffix = (FastSuffix if fast else PlainSuffix)(policy, runs.values, values, first=at, rows=size.rows)
        for part in _parts(run, here.stop - at, size):
            found = _measured(measure, suffix(run, part), runs.clean, part)
            patched[:, :, at + part.start : at + part.stop] = found[:, index]
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

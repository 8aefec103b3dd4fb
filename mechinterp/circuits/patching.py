"""Activation patching, exactly: every patch is run (Vig et al. 2020; Geiger et al. 2021; Zhang & Nanda 2024)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mechinterp.circuits import budget
from mechinterp.circuits.effects import Direction, Effects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.groups import grouped_by_replacement, hooks_of, label_of, replacements_of, supplies
from mechinterp.circuits.interaction import of_scenes
from mechinterp.circuits.metrics import Metrics
from mechinterp.circuits.paired import MEMORY, PairedRuns
from mechinterp.circuits.pairs import AnyPairs
from mechinterp.circuits.replacements import FROM_FRAMES, Replacement
from mechinterp.interventions.edits import Edit
from mechinterp.interventions.engine.fast import can_run
from mechinterp.interventions.sites import By, Site, check_sites, sites_by
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.stages import stage_outputs
from mechinterp.policies.subject import PolicyLike, as_policy

Engine = Literal["auto", "whole"]


@of_scenes
@torch.no_grad()
def patch(
    subject: PolicyLike,
    pairs: AnyPairs,
    sites: Sequence[Site | Edit] | Site | Edit | None = None,
    *,
    by: By | None = None,
    hooks: Names = None,
    direction: Direction = "denoise",
    replacement: Replacement | Sequence[Replacement] = "counterfactual",
    metrics: Metrics = "movement",
    reference: UInt8[np.ndarray, "n 64 64 3"] | UInt8[Tensor, "n 64 64 3"] | None = None,
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
    engine: Engine = "auto",
) -> Effects[Any]:
    """Patch each site, by itself, in every pair.

    Each run is computed once up to the last site, whatever the number of replacements; then only what comes after a
    site is run, many patches in one batch. Hooks that are on the policy stay in force, in the cached runs as in the
    patched ones.

    Args:
        pairs: minimal pairs, (clean frames, corrupted frames), or two frames; or `TwoByTwo` scenes, of which the
            interaction is measured.
        sites: what to patch. An `Edit` among them puts in its own values (`Ablate`, `Clamp`, `Steer`, ...).
        by: instead of `sites`: each `channel` of the hook points (the default), each whole `layer`, or each `position`
            of a grid over each map.
        hooks: with `by`: the hook points; by default the output of every stage (`policies.stage_outputs`).
        direction: `denoise` patches the corrupted run, `noise` the clean one.
        replacement: what is put in at all sites, or a list of one for each; see `Replacement`.
        metrics: names out of `READOUTS`, ``action:NAME``, ``kl`` or ``unsigned:NAME`` (see `metrics`); or name -> any
            readout, such as a function of (logits, value).
        reference: frames for `mean` and `resample`; by default those of the pairs, both sides.
        rng: draws the frames of `resample`.
        memory: bytes for activations, at most (besides the network, the frames, a cache given and the result).
        engine: `whole` runs every node after a site for whole maps, through the network itself; `auto` runs only what a
            patch changes, exactly but for rounding, where the network's layers are known and no hooks are on them.

    Raises:
        CircuitError: no sites, pairs that do not fit together, a cache that does not fit the network or the pairs, an
            unknown direction, replacement or metric.
        UnknownHook, InterventionError: a site that the policy does not have.
        BudgetTooSmall: not even one patch of one pair fits in `memory`.
    """
    policy = as_policy(subject)
    runs = PairedRuns(policy, pairs, direction=direction, metrics=metrics, memory=memory)
    chosen = chosen_sites(policy, sites, by, hooks, runs.count)
    if engine not in get_args(Engine):
        raise CircuitError(f"engine must be one of {get_args(Engine)}, got {engine!r}")
    given = replacements_of(chosen, replacement)
    groups = grouped_by_replacement(chosen, given)
    fast = engine == "auto" and can_run(policy, hooks_of(policy, groups)[0])
    if fast:
        groups = [group.merged(policy) for group in groups]
    everywhere = hooks_of(policy, groups)
    cached = (budget.onwards if fast else budget.starts)(policy, everywhere)
    more = [hook for group in groups[1:] for hook in hooks_of(policy, [group])]  # the values of each are kept
    size = runs.plan(everywhere, [*cached, *more])
    if reference is None and any(group.name in FROM_FRAMES for group in groups):
        reference = runs.both_sides
    supplied = supplies(policy, groups, runs.count, reference=reference, rng=rng, at_once=size.pairs)
    of_other = hooks_of(policy, [group for group in groups if group.name == "counterfactual"])

    run = runs.empty(len(chosen))
    for batch in runs.batches(size.pairs, base=cached, other=of_other):
        start = batch.suffix({}, fast=fast, rows=size.rows)
        for group, values in zip(groups, supplied, strict=True):
            suffix = start.putting_in(values(batch))
            for part in _parts(group.run, batch.count, size):
                found = batch.measured(suffix(group.run, part), part)
                here = slice(batch.here.start + part.start, batch.here.start + part.stop)
                run[:, group.members, here] = found[:, group.index]
    return runs.effects(chosen, run, replacement=label_of(groups, len(chosen)))


def chosen_sites(
    policy: Policy, sites: Sequence[Site | Edit] | Site | Edit | None, by: By | None, hooks: Names, pairs: int
) -> tuple[Site | Edit, ...]:
    """The sites that were asked for, each of which exists in the policy and fits the pairs.

    Raises:
        CircuitError: no sites, or sites together with `by` or `hooks`.
        UnknownHook, InterventionError: a site that the policy does not have.
    """
    if sites is None:
        return sites_by(policy, stage_outputs(policy) if hooks is None else hooks, "channel" if by is None else by)
    if by is not None or hooks is not None:
        raise CircuitError("give either sites, or by and hooks")
    given = (sites,) if isinstance(sites, Site | Edit) else sites
    listed: tuple[Any, ...] = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    if not all(isinstance(site, Site | Edit) for site in listed):
        raise CircuitError(f"sites are a list of Site(hook, channels, positions) or of edits, got {sites!r:.200}")
    if not listed:
        raise CircuitError("no sites to patch were given; leave sites out for every channel of every stage's output")
    check_sites(policy, listed, pairs)
    return listed


def _parts(sites: Sequence[Site], pairs: int, size: budget.Plan) -> Iterator[slice]:
    """The pairs in parts that make, with the sites of one hook point, batches of about the best size."""
    each = max(Counter(site.hook for site in sites).values())
    most = max(1, min(budget.BEST_ROWS // each, *size.rows.values()))
    for first in range(0, pairs, most):
        yield slice(first, min(first + most, pairs))

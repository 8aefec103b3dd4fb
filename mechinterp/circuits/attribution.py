"""Attribution patching: effects of patches estimated from gradients, for sites and for edges.

    estimate = (value put in - value) . d metric / d value,  summed over the cells of the site,

which is the effect of a patch where the network is linear in between (Nanda 2023; Syed et al. 2023, for edges).
Gradients saturate, at relus above all. EAP-IG (Hanna et al. 2024) therefore averages the gradient on the straight way
from the one run to the other: of the frames (`eap-ig inputs`), or of the activation itself (`eap-ig activations`, whose
estimates of all channels of a hook point add up to the total effect of patching it whole; Sundararajan et al. 2017).
Here the way is cut into `steps` equal parts and the gradient taken in the middle of each.

None of these is exact. So each result says how its ranking agrees with exact patching on a sample of the same parts
(half of it those with the largest estimates, half at random), and cannot be made without.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.nn import functional as F

from mechinterp.circuits.agreement import check_enough, rank_agreement, sample_to_compare
from mechinterp.circuits.attribution_effects import AttributionEffects
from mechinterp.circuits.effects import Direction, Effects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.gradients import Method, Request, slopes
from mechinterp.circuits.graph import Layer, ResidualGraph, by_channel, refuse_hooks, run_glue
from mechinterp.circuits.metrics import Metrics
from mechinterp.circuits.nodes import Edge
from mechinterp.circuits.paired import MEMORY, PairedRuns
from mechinterp.circuits.pairs import AnyPairs
from mechinterp.circuits.patching import chosen_sites, patch
from mechinterp.circuits.replacements import Replacement, label
from mechinterp.circuits.routes import chosen_edges, edge_effects
from mechinterp.interventions.edits import Edit
from mechinterp.interventions.sites import By, Site
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.subject import PolicyLike, as_policy
from mechinterp.stats.checks import generator

STEPS = 10
COMPARED = 100
"""Parts that are also patched exactly, unless the caller says otherwise."""


@torch.inference_mode(mode=False)
@torch.enable_grad()
def attribution_patching(
    subject: PolicyLike,
    pairs: AnyPairs,
    parts: Sequence[Site] | Sequence[Edge] | None = None,
    *,
    by: By | None = None,
    hooks: Names = None,
    rng: np.random.Generator | None = None,
    method: Method = "gradient",
    direction: Direction = "denoise",
    replacement: Replacement = "counterfactual",
    metrics: Metrics = "movement",
    steps: int = STEPS,
    compared: int = COMPARED,
    memory: int = MEMORY,
) -> AttributionEffects[Any]:
    """Estimate what `patch` would measure at each site, or `edge_effects` for each edge.

    What an edge changes in its target is computed exactly, through relus and pooling on the way; only from the target
    on is the effect estimated, by the gradient there. In a transformer, whose residual stream has none of these on the
    way, that is the score of Syed et al. (2023).

    Args:
        parts: sites, or edges (`ResidualGraph.of(policy).edges()` lists them); by default sites, as in `patch`.
        by, hooks: as in `patch`.
        rng: draws which parts are also patched exactly (by default, ``np.random.default_rng(0)``).
        metrics: as in `patch`; functions must be differentiable.
        steps: points on the way, for the integrated methods.
        compared: how many of the parts are also patched exactly (all, if there are fewer).
        memory: bytes for activations, at most; the same bound holds for the exact patches.

    Raises:
        CircuitError: options that do not fit; too few parts to compare; no edge of this policy, or hooks on it.
        UnknownHook, InterventionError: a site that the policy does not have.
        BudgetTooSmall: the gradients of one pair do not fit in `memory`.
    """
    policy = as_policy(subject)
    rng = np.random.default_rng(0) if rng is None else generator(rng, name="attribution patching", error=CircuitError)
    runs = PairedRuns(policy, pairs, direction=direction, metrics=metrics, memory=memory)
    listed: Any = (parts,) if isinstance(parts, Edge) else tuple(parts) if isinstance(parts, Iterable) else parts
    of_edges = isinstance(listed, tuple) and len(listed) > 0 and all(isinstance(part, Edge) for part in listed)
    chosen: Any = (
        chosen_edges(ResidualGraph.of(policy), listed)
        if of_edges
        else chosen_sites(policy, listed, by, hooks, runs.count)
    )
    if edits := [part for part in chosen if isinstance(part, Edit)]:
        raise CircuitError(f"attribution takes sites and one replacement for all, not an edit such as {edits[0]}")
    label(replacement)
    request = Request(method, replacement, steps, int(rng.integers(2**31)))
    check_enough(len(chosen), compared, "edges" if of_edges else "sites")
    values = (_of_edges if of_edges else _of_sites)(runs, request, chosen)
    return _compared(edge_effects if of_edges else patch, runs, request, chosen, values, compared, rng)


def _of_sites(runs: PairedRuns, request: Request, sites: Sequence[Site]) -> Float64[np.ndarray, "metrics sites pairs"]:
    hooks, found = runs.policy.select(list({site.hook for site in sites})), runs.empty(len(sites))
    sign = 1.0 if runs.direction == "denoise" else -1.0
    for part in slopes(runs, request, at=hooks, given=hooks):
        for m, gradients in enumerate(part.gradients):
            cells = {h: sign * (part.replacement[h] - part.base[h]) * gradients[h] for h in hooks}
            sums = {h: value.reshape(*value.shape[:2], -1).sum(2) for h, value in cells.items() if value.ndim > 1}
            for i, site in enumerate(sites):
                found[m, i, part.here] = _of_site(site, cells[site.hook], sums.get(site.hook), part.here)
    return found


def _of_site(site: Site, cells: Tensor, sums: Float[Tensor, "pairs channels"] | None, here: slice) -> np.ndarray:
    """Sum over what the site covers, for each pair."""
    if sums is None:  # a single number
        found = cells
    else:
        channels = slice(None) if site.channels is None else list(site.channels)
        if site.positions is None:
            found = sums[:, channels].sum(1)
        else:
            mask = site.cells(cells.shape[2], cells.shape[3], here).to(cells.device)
            found = (cells[:, channels] * mask[:, None]).sum((1, 2, 3))
    return found.double().cpu().numpy()


def _of_edges(runs: PairedRuns, request: Request, edges: Sequence[Edge]) -> Float64[np.ndarray, "metrics edges pairs"]:
    policy, found = runs.policy, runs.empty(len(edges))
    refuse_hooks(policy, "edges")
    graph = ResidualGraph.of(policy)
    readers = policy.select(list({edge.target.hook for edge in edges}))
    writers = policy.select(list({edge.source.hook for edge in edges}))
    sign = 1.0 if runs.direction == "denoise" else -1.0
    groups: dict[tuple[str, str], list[int]] = {}
    for i, edge in enumerate(edges):
        groups.setdefault((edge.target.hook, edge.source.hook), []).append(i)
    for part in slopes(runs, request, at=readers, given=writers):
        for (reader, writer), members in groups.items():
            layer = graph.layer(reader)
            put = part.replacement[writer].expand_as(part.base[writer])
            with torch.no_grad():
                delta = run_glue(policy, layer, {**part.base, writer: put}) - part.base[layer.reads]
            targets, sources = ([getattr(edges[i], end).channel for i in members] for end in ("target", "source"))
            for m, gradients in enumerate(part.gradients):
                products = _products(policy, layer, gradients[reader], delta, graph.widths[writer])
                found[m, members, part.here] = sign * products[:, targets, sources].T.double().cpu().numpy()
    return found


@torch.no_grad()
def _products(
    policy: Policy, layer: Layer, gradient: Tensor, delta: Tensor, channels: int
) -> Float[Tensor, "pairs target source"]:
    """The change of each target channel, by the change `delta` of each source channel, times the gradient there."""
    weight = by_channel(policy, layer, channels)
    module = policy.get_submodule(layer.module)
    if isinstance(module, nn.Conv2d):
        if module.groups != 1 or module.padding_mode != "zeros" or isinstance(module.padding, str):
            raise CircuitError(f"{layer.hook}: only plain convolutions have edges, got {module}")
        windows = F.unfold(delta, module.kernel_size, module.dilation, module.padding, module.stride)
        by_tap = torch.einsum("ptl,pkl->ptk", gradient.flatten(2), windows)
        return (by_tap.unflatten(2, weight.shape[1:]) * weight).flatten(3).sum(3)
    by_source = torch.einsum("psf,tsf->pts", delta.reshape(len(delta), channels, -1), weight)
    return by_source * gradient.reshape(len(delta), -1, 1)


def _compared(
    exactly: Callable[..., Effects[Any]],
    runs: PairedRuns,
    request: Request,
    parts: Sequence[Any],
    values: Float64[np.ndarray, "metrics parts pairs"],
    compared: int,
    rng: np.random.Generator,
) -> AttributionEffects[Any]:
    """The estimates, and how well they rank a sample of the parts as `exactly` (`patch`, `edge_effects`) does."""
    unit = "sites" if exactly is patch else "edges"
    sample = sample_to_compare(values, compared, rng)
    found = exactly(
        runs.policy,
        runs.pairs,
        [parts[i] for i in sample],
        direction=runs.direction,
        replacement=request.replacement,
        metrics=runs.metrics,
        rng=request.rng,
        memory=runs.memory,
    )
    exact = np.stack([found.scores(name) for name in runs.measure.names])
    scheme = f"all {unit}" if len(sample) == len(parts) else f"{unit}: half have the largest scores, half are random"
    agreement = []
    for m, metric in enumerate(runs.measure.names):
        name = f"rank correlation of {request.method} with exact patching: {metric}"
        one = rank_agreement(values[m, sample].mean(1), exact[m], name=name, unit=unit, rng=rng)
        agreement.append(dataclasses.replace(one, method=f"{one.method}; {scheme}"))
    return AttributionEffects(
        parts=tuple(parts),
        metrics=runs.measure.names,
        direction=runs.direction,
        replacement=label(request.replacement),
        values=values,
        start=runs.ends["base"],
        goal=runs.ends["other"],
        levels=np.asarray(runs.pairs.levels),
        method=request.method,
        compared=sample,
        exact=exact,
        agreement=tuple(agreement),
    )

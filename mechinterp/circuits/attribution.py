"""Attribution patching: effects of patches estimated from gradients, for sites and for edges.

    score = (value put in - value) . d metric / d value,  summed over the cells of the site,

which is the effect of a patch where the network is linear in between (Nanda 2023; Syed et al. 2023, for edges).
Gradients saturate, at relus above all. EAP-IG (Hanna et al. 2024) therefore averages the gradient on the straight way
from the one run to the other: of the frames (`eap-ig inputs`), or of the activation itself (`eap-ig activations`, whose
scores of all channels of a hook point add up to the total effect of patching it whole; Sundararajan et al. 2017). Here
the way is cut into `steps` equal parts and the gradient taken in the middle of each.

None of these is exact. So each result says how its ranking agrees with exact patching on a sample of the same parts
(half of it those with the largest scores, half at random), and cannot be made without.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from mechinterp.circuits.agreement import check_enough, rank_agreement, sample_to_compare
from mechinterp.circuits.attributed import Attribution
from mechinterp.circuits.carried import Carried
from mechinterp.circuits.donors import Cache, Source, label
from mechinterp.circuits.effects import Direction, PatchEffects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.gradients import Method, Request, slopes
from mechinterp.circuits.graph import Layer, ResidualGraph, by_channel, refuse_hooks, run_glue
from mechinterp.circuits.metrics import Measure, Metrics
from mechinterp.circuits.nodes import Edge
from mechinterp.circuits.pairs import FramePairs, Pairs, as_pairs
from mechinterp.circuits.patching import MEMORY, patch
from mechinterp.circuits.routes import chosen_edges, edge_effects
from mechinterp.circuits.sites import PatchSite, cells_of, checked
from mechinterp.policies.graph import Policy

STEPS = 10
COMPARED = 100
"""Parts that are also patched exactly, unless the caller says otherwise."""


def attribute(
    policy: Policy,
    pairs: Pairs | tuple[np.ndarray | Tensor, np.ndarray | Tensor],
    sites: Sequence[PatchSite],
    *,
    rng: np.random.Generator,
    method: Method = "gradient",
    direction: Direction = "denoise",
    source: Source | Cache = "other",
    metrics: Metrics = "movement",
    steps: int = STEPS,
    compared: int = COMPARED,
    memory: int = MEMORY,
) -> Attribution:
    """Estimate what `patch` would measure at each site.

    Args:
        rng: draws which sites are also patched exactly.
        steps: points on the way, for the integrated methods.
        compared: how many of the sites are also patched exactly (all, if there are fewer).
        memory: bytes for activations, at most; the same bound holds for the exact patches.

    Raises:
        CircuitError: options that do not fit; too few sites to compare.
        UnknownHook, InterventionError: a site that the policy does not have.
        BudgetTooSmall: the gradients of one pair do not fit in `memory`.
    """
    framed = as_pairs(pairs)
    sites = checked(policy, sites, len(framed.clean))
    if other := [site for site in sites if site.source not in (None, label(source))]:
        raise CircuitError(
            f"attribution takes one source in a call, here {label(source)!r}; {other[0].label} names its own: call "
            "once for each source"
        )
    measure = Measure(policy, metrics)
    request = Request(method, direction, source, steps, memory, int(rng.integers(2**31)))
    check_enough(len(sites), compared, "sites")
    hooks = policy.select(list({site.hook for site in sites}))
    sign = 1.0 if direction == "denoise" else -1.0
    scores = np.empty((len(measure.names), len(sites), len(framed.clean)))
    for part in slopes(policy, framed, measure, request, at=hooks, given=hooks):
        for m, gradients in enumerate(part.gradients):
            cells = {h: sign * (part.donor[h] - part.base[h]) * gradients[h] for h in hooks}
            sums = {h: value.reshape(*value.shape[:2], -1).sum(2) for h, value in cells.items() if value.ndim > 1}
            for i, site in enumerate(sites):
                scores[m, i, part.here] = _of_site(site, cells[site.hook], sums.get(site.hook), part.here)

    return _judged(patch, policy, framed, sites, request, measure.named, scores, compared, "sites", rng)


def attribute_edges(
    policy: Policy,
    pairs: Pairs | tuple[np.ndarray | Tensor, np.ndarray | Tensor],
    edges: Sequence[Edge] | None = None,
    *,
    rng: np.random.Generator,
    method: Method = "gradient",
    direction: Direction = "denoise",
    source: Source | Cache = "other",
    metrics: Metrics = "movement",
    steps: int = STEPS,
    compared: int = COMPARED,
    memory: int = MEMORY,
) -> Attribution:
    """Estimate what `edge_effects` would measure for each edge (all candidates, by default).

    What the edge changes in its target is computed exactly, through relus and pooling on the way; only from the target
    on is the effect estimated, by the gradient there. In a transformer, whose residual stream has none of these on the
    way, that is the score of Syed et al. (2023).

    Raises:
        CircuitError: no edge of this policy, hooks on it, or as `attribute`.
        BudgetTooSmall: the gradients of one pair do not fit in `memory`.
    """
    refuse_hooks(policy)
    graph = ResidualGraph.of(policy)
    chosen = chosen_edges(graph, edges)
    framed = as_pairs(pairs)
    measure = Measure(policy, metrics)
    request = Request(method, direction, source, steps, memory, int(rng.integers(2**31)))
    check_enough(len(chosen), compared, "edges")
    readers = policy.select(list({edge.target.hook for edge in chosen}))
    writers = policy.select(list({edge.source.hook for edge in chosen}))
    sign = 1.0 if direction == "denoise" else -1.0
    groups: dict[tuple[str, str], list[int]] = {}
    for i, edge in enumerate(chosen):
        groups.setdefault((edge.target.hook, edge.source.hook), []).append(i)
    scores = np.empty((len(measure.names), len(chosen), len(framed.clean)))
    for part in slopes(policy, framed, measure, request, at=readers, given=writers):
        for (reader, writer), members in groups.items():
            layer = graph.layer(reader)
            put = part.donor[writer].expand_as(part.base[writer])
            with torch.no_grad():
                delta = run_glue(policy, layer, {**part.base, writer: put}) - part.base[layer.reads]
            targets, sources = ([getattr(chosen[i], end).channel for i in members] for end in ("target", "source"))
            for m, gradients in enumerate(part.gradients):
                found = _products(policy, layer, gradients[reader], delta, graph.widths[writer])
                scores[m, members, part.here] = sign * found[:, targets, sources].T.double().cpu().numpy()

    return _judged(edge_effects, policy, framed, chosen, request, measure.named, scores, compared, "edges", rng)


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


def _of_site(site: PatchSite, cells: Tensor, sums: Float[Tensor, "pairs channels"] | None, here: slice) -> np.ndarray:
    """Sum over what the site covers, for each pair."""
    if sums is None:  # a single number
        found = cells
    else:
        channels = slice(None) if site.channels is None else list(site.channels)
        if site.place is None:
            found = sums[:, channels].sum(1)
        else:
            mask = cells_of(site, cells.shape[2], cells.shape[3], here).to(cells.device)
            found = (cells[:, channels] * mask[:, None]).sum((1, 2, 3))
    return found.double().cpu().numpy()


def _judged(
    exactly: Callable[..., PatchEffects | Carried],
    policy: Policy,
    pairs: FramePairs,
    parts: Sequence[Any],
    request: Request,
    metrics: Mapping[str, Any],
    scores: np.ndarray,
    compared: int,
    unit: str,
    rng: np.random.Generator,
) -> Attribution:
    """The scores, with how they rank a sample of the parts beside what `exactly` (`patch`, `edge_effects`) measures."""
    sample = sample_to_compare(scores, compared, rng)
    found = exactly(
        policy,
        pairs,
        [parts[i] for i in sample],
        direction=request.direction,
        source=request.source,
        metrics=metrics,
        rng=request.rng,
        memory=request.memory,
    )
    exact = np.stack([found.effect(name).mean(1) for name in metrics])
    scheme = f"all {unit}" if len(sample) == len(parts) else f"{unit}: half have the largest scores, half are random"
    agreement = []
    for m, metric in enumerate(metrics):
        name = f"rank correlation of {request.method} with exact patching: {metric}"
        one = rank_agreement(scores[m, sample].mean(1), exact[m], name=name, unit=unit, rng=rng)
        agreement.append(dataclasses.replace(one, method=f"{one.method}; {scheme}"))
    return Attribution(
        parts=tuple(parts),
        metrics=tuple(metrics),
        direction=request.direction,
        source=found.source,
        method=request.method,
        scores=scores,
        levels=np.asarray(pairs.levels),
        compared=sample,
        exact=exact,
        agreement=tuple(agreement),
    )

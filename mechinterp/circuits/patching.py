"""Activation patching, exactly: every patch is run (Vig et al. 2020; Geiger et al. 2021; Zhang & Nanda 2024)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from mechinterp.circuits import budget
from mechinterp.circuits.donors import Source, donor
from mechinterp.circuits.effects import Direction, PatchEffects
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.metrics import Measure, Metrics
from mechinterp.circuits.pairs import FramePairs, Pairs, as_pairs, tensor
from mechinterp.circuits.sites import PatchSite, checked
from mechinterp.circuits.suffix import PlainSuffix
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import Captured, PolicyOutput

MEMORY = 1 << 30
"""Bytes that patching may use, unless the caller says otherwise: 1 GiB."""


@torch.no_grad()
def patch(
    policy: Policy,
    pairs: Pairs | tuple[np.ndarray | Tensor, np.ndarray | Tensor],
    sites: Sequence[PatchSite],
    *,
    direction: Direction = "denoise",
    source: Source = "other",
    metrics: Metrics = "movement",
    reference: UInt8[np.ndarray, "n 64 64 3"] | None = None,
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
) -> PatchEffects:
    """Patch each site, by itself, in every pair.

    Each run is computed once up to the last site; then only what comes after a site is run, many patches in one batch.
    Hooks that are on the policy stay in force, in the cached runs as in the patched ones.

    Args:
        pairs: minimal pairs, or (clean frames, corrupted frames).
        sites: what to patch; `channel_sites` lists every channel.
        direction: `denoise` patches the corrupted run, `noise` the clean one.
        source: what is put in: `other`, the value of the other run; `mean` over `reference`, cell by cell; `zero`;
            `resample`, the value of a frame of `reference` that `rng` draws for each pair.
        metrics: names out of `metrics.BUILT_IN`, or name -> function of (logits, value) that gives one number a row.
        reference: frames for `mean` and `resample`; by default those of the pairs, both sides.
        memory: bytes for activations, at most (besides the network, the frames and the result).

    Raises:
        CircuitError: no sites, pairs that do not fit together, an unknown direction, source or metric.
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
    size = budget.plan(policy, hooks, count, memory=memory)
    if reference is None and source in ("mean", "resample"):
        reference = np.concatenate([framed.clean, framed.corrupted])
    give = donor(policy, hooks, source, count, reference=reference, rng=rng, batch=size.pairs)

    patched = np.empty((len(measure.names), len(sites), count))
    unpatched = {name: np.empty((len(measure.names), count)) for name in ("clean", "corrupted")}
    for at in range(0, count, size.pairs):
        here = slice(at, min(at + size.pairs, count))
        runs = _Runs(policy, framed, here, direction, hooks, with_other=give is None)
        unpatched["clean"][:, here] = _array(measure(runs.clean, runs.clean))
        unpatched["corrupted"][:, here] = _array(measure(runs.corrupted, runs.clean))
        values = runs.other_values if give is None else give(here)
        for hook in hooks:
            suffix = PlainSuffix(policy, hook, runs.values, values[hook], here.start)
            positions = [i for i, site in enumerate(sites) if site.hook == hook]
            for chosen, part in _blocks(positions, here.stop - here.start, size.rows[hook]):
                output = suffix([sites[i] for i in chosen], part)
                clean = _repeated(runs.clean, part, len(chosen))
                columns = np.arange(here.start + part.start, here.start + part.stop)
                patched[:, np.array(chosen)[:, None], columns] = _array(
                    measure(output, clean).unflatten(1, (len(chosen), -1))
                )
    return PatchEffects(
        sites=sites,
        metrics=measure.names,
        direction=direction,
        source=source,
        patched=patched,
        clean=unpatched["clean"],
        corrupted=unpatched["corrupted"],
        levels=np.asarray(framed.levels),
    )


class _Runs:
    """Both unpatched runs of some pairs.

    Attributes:
        values: of the run that is going to be patched, where suffixes start.
        other_values: of the other run at the patched hook points, if wanted.
    """

    def __init__(
        self,
        policy: Policy,
        pairs: FramePairs,
        here: slice,
        direction: Direction,
        hooks: Sequence[str],
        *,
        with_other: bool,
    ) -> None:
        clean, corrupted = tensor(pairs.clean[here]), tensor(pairs.corrupted[here])
        base, other = (corrupted, clean) if direction == "denoise" else (clean, corrupted)
        base_run = policy.capture(base, budget.cached_hooks(policy, hooks))
        other_run = policy.capture(other, hooks) if with_other else Captured(policy(other), {})
        self.values: Mapping[str, Tensor] = base_run.values
        self.other_values: Mapping[str, Tensor] = other_run.values
        outputs: tuple[PolicyOutput, PolicyOutput] = (base_run.output, other_run.output)
        self.corrupted, self.clean = outputs if direction == "denoise" else outputs[::-1]


def _blocks(sites: Sequence[int], pairs: int, rows: int) -> Iterator[tuple[Sequence[int], slice]]:
    """Sites x pairs cut into blocks of at most `rows`, with as many pairs in each as possible."""
    width = min(pairs, rows)
    height = max(1, rows // width)
    for first in range(0, pairs, width):
        for at in range(0, len(sites), height):
            yield sites[at : at + height], slice(first, min(first + width, pairs))


def _repeated(output: PolicyOutput, pairs: slice, times: int) -> PolicyOutput:
    return PolicyOutput(output.logits[pairs].repeat(times, 1), output.value[pairs].repeat(times))


def _array(values: Tensor) -> np.ndarray:
    return values.double().cpu().numpy()

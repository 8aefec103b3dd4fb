"""What the same probe decodes from untrained networks: does a layer hold more than random weights let through, or less?

The baselines of `probing.probes` ask whether training put something there. Less than untrained networks hold is the
other finding: it was discarded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64, UInt8

from mechinterp.features.errors import FeatureError
from mechinterp.features.frames import Frames, frame_array
from mechinterp.features.layerwise import two_sided
from mechinterp.features.probing import grouped
from mechinterp.features.world import Label
from mechinterp.policies.controls import untrained
from mechinterp.policies.graph import Policy
from mechinterp.policies.hooks import Names
from mechinterp.policies.stages import stage_outputs
from mechinterp.stats import Null, ridge

LEAST = 0.01
"""Where scores of networks differ by less than this (all near 1, in early layers), differences count as none."""


def probe_nulls(
    policy: Policy,
    frames: Frames,
    levels: Int64[np.ndarray, " scenes"],
    labels: Sequence[Label],
    *,
    rng: np.random.Generator,
    hooks: Names = None,
    networks: Iterable[int] = range(20),
    parts: int = 4,
    batch: int = 64,
) -> dict[tuple[str, str], tuple[float, Null]]:
    """By label and hook point: the score of the policy's probe, and those of untrained networks.

    All are scored on one division of the levels (`probing.probes` averages over several: its scores differ a little).
    p has two sides, more and less, and is corrected for all labels and hook points (`layerwise.two_sided`).

    Args:
        levels, labels, hooks, parts: as for `probing.probes`.
        networks: seeds of the untrained networks; with fewer than 19 no p falls to 5 %.

    Raises:
        FeatureError: no network, or see `probing.probes`.
        UnknownHook: see `Policy.select`.
    """
    names = policy.select(stage_outputs(policy) if hooks is None else hooks)
    pictures = frame_array(frames)
    groups = grouped(labels, levels, 0, 1, parts, rng)
    rows = []
    for network in itertools.chain([policy], (untrained(policy, seed=seed) for seed in networks)):
        read = _activations(network, pictures, names, batch)
        row = {}
        for hook in names:
            gram = ridge.kernel(read.pop(hook))
            for group in groups:
                row |= {(name, hook): float(scores.mean()) for name, scores in group(gram).items()}
        rows.append(row)
    if len(rows) < 2:
        raise FeatureError("a null needs at least one network with random weights")
    table: Float64[np.ndarray, "networks tests"] = np.array([list(row.values()) for row in rows])
    p = two_sided(table, least=LEAST)
    found = {}
    for (label, hook), own, value in zip(rows[0], table.T, p.tolist(), strict=True):
        words = f"{label} from {hook} of {len(rows) - 1} untrained networks"
        null = Null.from_draws(own[0], own[1:], description=words)
        found[label, hook] = (float(own[0]), replace(null, p=value))
    return found


@torch.no_grad()
def _activations(
    policy: Policy, frames: UInt8[np.ndarray, "scenes 64 64 3"], hooks: Sequence[str], batch: int
) -> dict[str, Float32[np.ndarray, "scenes channels *place"]]:
    """The values at all hook points, from one pass over the frames."""
    device = next(policy.parameters()).device
    parts: dict[str, list[np.ndarray]] = {hook: [] for hook in hooks}
    for at in range(0, len(frames), batch):
        read = policy.activations(torch.tensor(frames[at : at + batch], device=device), list(hooks))
        for hook in hooks:
            parts[hook].append(read[hook].cpu().numpy())
    return {hook: np.concatenate(own) for hook, own in parts.items()}

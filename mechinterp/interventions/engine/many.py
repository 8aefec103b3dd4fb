"""Many sites replaced in the same frames, one at a time: with the fast engine where it can run the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor

from mechinterp.interventions.engine.fast import FastSuffix, can_run
from mechinterp.interventions.engine.plain import PlainSuffix
from mechinterp.interventions.sites import Site
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import LOGITS, VALUE, PolicyOutput

_ROWS, _BYTES = 64, 8 << 20
"""A batch of so many rows, or of so many bytes if that is more, is as fast as any."""


@torch.no_grad()
def replaced(
    policy: Policy,
    frames: UInt8[Tensor, "batch 64 64 3"],
    sites: Sequence[Site],
    replacement: Mapping[str, Shaped[Tensor, " #batch *shape"]],
) -> tuple[PolicyOutput, PolicyOutput]:
    """The unchanged outputs, and those with each site replaced by itself: logits [sites, batch, actions].

    Args:
        replacement: hook point -> what is put in there.

    Raises:
        UnknownHook, InterventionError: a site that the policy does not have.
    """
    first = policy.select([site.hook for site in sites])[0]
    for site in sites:
        site.check(policy.shapes[site.hook])
    later = policy.hook_names[policy.hook_names.index(first) :]
    fast = can_run(policy, first)
    hooks = {site.hook for site in sites}
    needed = {name for hook in hooks for name in policy.frontier(hook)} | {LOGITS, VALUE}
    base = policy.activations(
        frames, [name for name in policy.hook_names if name in needed or (fast and name in later)]
    )
    largest = 4 * max(prod(policy.shapes[name]) for name in later)
    rows = dict.fromkeys(policy.hook_names, max(_ROWS, _BYTES // largest))
    suffix = (FastSuffix if fast else PlainSuffix)(policy, base, replacement, first=0, rows=rows)
    step = max(1, max(_ROWS, _BYTES // largest) // len(sites))
    parts = [suffix(sites, slice(at, min(at + step, len(frames)))) for at in range(0, len(frames), step)]
    edited = PolicyOutput(torch.cat([part.logits for part in parts], 1), torch.cat([part.value for part in parts], 1))
    return PolicyOutput(base[LOGITS], base[VALUE]), edited

"""What is put in: the other run's values, a cache's, a mean, zeros, another frame's, or what an edit makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, get_args

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.pairs import as_frames, tensor
from mechinterp.errors import nearest
from mechinterp.interventions.edits import Edit
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import Captured
from mechinterp.stats.checks import generator

Named = Literal["counterfactual", "mean", "zero", "resample"]
Cache = Mapping[str, Tensor]
"""Values of a run of one's own: hook point -> [pairs, *shape], or [1, *shape] for all pairs alike, such as
`Policy.activations` gives."""
Replacement = Named | Cache
"""`counterfactual`: the value of the other run; `mean` over reference frames, cell by cell; `zero`; `resample`: the
value of a reference frame drawn for each pair; or a `Cache`."""
CACHE = "cache"
"""What results call a replacement that is a `Cache`."""
FROM_FRAMES = ("mean", "resample")
"""Replacements that are made from reference frames."""


class Runs(Protocol):
    """What a supply reads of the runs of some pairs; `paired.Batch` has these."""

    @property
    def here(self) -> slice:
        """Which pairs they are."""
        ...

    @property
    def base(self) -> Captured:
        """The run that is changed."""
        ...

    @property
    def other(self) -> Captured:
        """The run that it is compared with."""
        ...


class Supply(Protocol):
    """The values to put in for a batch of pairs, at every hook point that they were asked for."""

    def __call__(self, batch: Runs) -> Mapping[str, Shaped[Tensor, " #pairs *shape"]]: ...


def supply(
    policy: Policy,
    hooks: Sequence[str],
    replacement: Replacement | Edit,
    pairs: int,
    *,
    reference: UInt8[np.ndarray, "n 64 64 3"] | UInt8[Tensor, "n 64 64 3"] | None,
    rng: np.random.Generator | None,
    at_once: int,
) -> Supply:
    """Where values come from.

    Args:
        reference: frames that `mean` averages over, cell by cell, and that `resample` draws from.
        rng: draws one frame for each pair, for `resample`.
        at_once: frames in one forward pass.

    Raises:
        CircuitError: an unknown replacement, one that lacks its reference or generator, or a cache that does not fit.
    """
    name = label(replacement)
    if rng is not None:
        generator(rng, name=f"replacement {name!r}", error=CircuitError)
    if name not in FROM_FRAMES and reference is not None:
        raise CircuitError(f"replacement {name!r} takes no reference frames")
    if (name == "resample") != (rng is not None):
        raise CircuitError("an rng goes with the replacement 'resample', and with it alone")
    if isinstance(replacement, Edit):
        return _Edited(replacement)
    if isinstance(replacement, Mapping):
        return _Cached(_fitting(policy, hooks, replacement, pairs))
    if name == "zero":
        return _Fixed({hook: torch.zeros(1, *policy.shapes[hook], dtype=torch.float32) for hook in hooks}, policy)
    if name == "counterfactual":
        return lambda batch: batch.other.values
    if reference is None:
        raise CircuitError(f"replacement {name!r} needs reference frames, at least one")
    frames = as_frames(reference, "reference")
    if rng is not None:
        return _Run(policy, hooks, frames[rng.integers(len(frames), size=pairs)])
    return _Fixed(mean_activations(policy, frames, hooks, batch=at_once), policy)


def label(replacement: Replacement | Edit) -> str:
    """What a result calls it. Raises CircuitError for what is no replacement."""
    if isinstance(replacement, Edit):
        return type(replacement).__name__
    if isinstance(replacement, Mapping):
        return CACHE
    if isinstance(replacement, Captured):
        raise CircuitError("a run captured with its output is no cache: give its values, replacement=run.values")
    if replacement not in get_args(Named):
        raise CircuitError(
            f"unknown replacement {replacement!r:.100}{nearest(str(replacement), get_args(Named))}; or give a cache, "
            "hook point -> values"
        )
    return replacement


def mean_activations(
    policy: Policy, frames: UInt8[np.ndarray, "n 64 64 3"], hooks: Sequence[str], *, batch: int = 64
) -> dict[str, Shaped[Tensor, " 1 *shape"]]:
    """The mean of each activation over frames, cell by cell, summed in float64."""
    sums: dict[str, Tensor] = {}
    for at in range(0, len(frames), batch):
        for name, value in policy.activations(tensor(frames[at : at + batch]), list(hooks)).items():
            part = value.sum(0, keepdim=True, dtype=torch.float64)
            sums[name] = sums[name] + part if name in sums else part
    dtype = next(policy.parameters()).dtype
    return {name: (total / len(frames)).to(dtype) for name, total in sums.items()}


class _Fixed:
    def __init__(self, values: dict[str, Tensor], policy: Policy) -> None:
        self.values = {name: value.to(next(policy.parameters())) for name, value in values.items()}

    def __call__(self, batch: Runs) -> dict[str, Tensor]:
        return self.values


class _Run:
    def __init__(self, policy: Policy, hooks: Sequence[str], frames: np.ndarray) -> None:
        self.policy, self.hooks, self.frames = policy, list(hooks), frames

    def __call__(self, batch: Runs) -> dict[str, Tensor]:
        return self.policy.activations(tensor(self.frames[batch.here]), self.hooks)


class _Cached:
    def __init__(self, values: dict[str, Tensor]) -> None:
        self.values = values

    def __call__(self, batch: Runs) -> dict[str, Tensor]:
        return {name: value if len(value) == 1 else value[batch.here] for name, value in self.values.items()}


class _Edited:
    def __init__(self, edit: Edit) -> None:
        self.edit = edit

    def __call__(self, batch: Runs) -> dict[str, Tensor]:
        return {self.edit.hook: self.edit.new_values(batch.base.values[self.edit.hook], batch.here)}


def _fitting(policy: Policy, hooks: Sequence[str], cache: Cache, pairs: int) -> dict[str, Tensor]:
    """What `cache` holds at the hook points.

    Raises:
        CircuitError: hook points that it lacks, or values of another shape, type or device than the network's.
    """
    if missing := [name for name in hooks if name not in cache]:
        raise CircuitError(
            f"the cache holds nothing at {', '.join(missing[:5])}{nearest(missing[0], list(cache))}; capture every "
            "hook point that is patched, for example with policy.activations(frames, hooks)"
        )
    own = next(policy.parameters())
    for name in hooks:
        value, wanted = cache[name], ", ".join(map(str, (f"{pairs} or 1", *policy.shapes[name])))
        if not isinstance(value, Tensor) or value.shape[1:] != policy.shapes[name] or value.ndim == 0:
            got = f"shape {list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise CircuitError(
                f"the cache and the network differ at {name}: the cache has {got}, the network's values there are "
                f"[{wanted}]; is it a cache of another network?"
            )
        if len(value) not in (1, pairs):
            raise CircuitError(
                f"the cache has {len(value)} rows at {name}; there are {pairs} pairs, so {pairs} rows or a single one "
                "for all of them are needed"
            )
        if (value.dtype, value.device) != (own.dtype, own.device):
            raise CircuitError(
                f"the cache holds {value.dtype} on {value.device} at {name}, the network {own.dtype} on {own.device}; "
                "convert it with .to(...)"
            )
        if not torch.isfinite(value).all():
            raise CircuitError(f"the cache's values at {name} are not all finite")
    return {name: cache[name].detach() for name in hooks}

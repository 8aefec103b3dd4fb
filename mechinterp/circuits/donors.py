"""What is put in by a patch: the other run's values, a cache's, a mean, zeros, or another frame's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, get_args

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.pairs import tensor
from mechinterp.errors import nearest
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import FRAME, Captured

Source = Literal["other", "mean", "zero", "resample"]
Cache = Mapping[str, Tensor]
"""Values of a run of one's own: hook point -> [pairs, *shape], or [1, *shape] for all pairs alike, such as
`Policy.activations` gives."""
CACHE = "cache"
"""What results call a source that is a `Cache`."""


class Donor(Protocol):
    """The values to put in for some of the pairs, at every hook point that is patched."""

    def __call__(self, pairs: slice) -> dict[str, Shaped[Tensor, " #pairs *shape"]]: ...


def donor(
    policy: Policy,
    hooks: Sequence[str],
    source: Source | Cache,
    pairs: int,
    *,
    reference: UInt8[np.ndarray, "n 64 64 3"] | None,
    rng: np.random.Generator | None,
    batch: int,
) -> Donor | None:
    """Where values come from; None for `other`, whose values come with the other run itself.

    Args:
        reference: frames that `mean` averages over, cell by cell, and that `resample` draws from.
        rng: draws one frame for each pair, for `resample`.
        batch: frames in one forward pass.

    Raises:
        CircuitError: an unknown source, one that lacks its reference or generator, or a cache that does not fit.
    """
    name = label(source)
    if name in ("other", "zero", CACHE) and reference is not None:
        raise CircuitError(f"source {name!r} takes no reference frames")
    if (source == "resample") != (rng is not None):
        raise CircuitError("an rng goes with source 'resample', and with it alone")
    if isinstance(source, Mapping):
        return _Cached(_fitting(policy, hooks, source, pairs))
    if source == "zero":
        return _Fixed({name: torch.zeros(1, *policy.shapes[name]) for name in hooks}, policy)
    if source == "other":
        return None
    if reference is None or not len(reference):
        raise CircuitError(f"source {source!r} needs reference frames, at least one")
    if reference.dtype != np.uint8 or reference.shape[1:] != (FRAME, FRAME, 3):
        raise CircuitError(f"reference frames must be uint8 [n, 64, 64, 3], got {reference.dtype} {reference.shape}")
    if rng is not None:
        return _Run(policy, hooks, reference[rng.integers(len(reference), size=pairs)])
    return _Fixed(mean_activations(policy, reference, hooks, batch=batch), policy)


def label(source: Source | Cache) -> str:
    """What a result calls this source. Raises CircuitError for what is neither a source nor a cache."""
    if isinstance(source, Mapping):
        return CACHE
    if isinstance(source, Captured):
        raise CircuitError("a run captured with its output is no cache: give its values, source=run.values")
    if source not in get_args(Source):
        raise CircuitError(
            f"unknown source {source!r:.100}{nearest(str(source), get_args(Source))}; or give a cache, hook point -> "
            "values"
        )
    return source


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

    def __call__(self, pairs: slice) -> dict[str, Tensor]:
        return self.values


class _Run:
    def __init__(self, policy: Policy, hooks: Sequence[str], frames: np.ndarray) -> None:
        self.policy, self.hooks, self.frames = policy, list(hooks), frames

    def __call__(self, pairs: slice) -> dict[str, Tensor]:
        return self.policy.activations(tensor(self.frames[pairs]), self.hooks)


class _Cached:
    def __init__(self, values: dict[str, Tensor]) -> None:
        self.values = values

    def __call__(self, pairs: slice) -> dict[str, Tensor]:
        return {name: value if len(value) == 1 else value[pairs] for name, value in self.values.items()}


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

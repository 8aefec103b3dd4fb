"""What is put in by a patch: the other run's values, a mean, zeros, or another frame's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, get_args

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from torch import Tensor

from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.pairs import tensor
from mechinterp.errors import nearest
from mechinterp.policies.graph import Policy
from mechinterp.policies.nodes import FRAME

Source = Literal["other", "mean", "zero", "resample"]


class Donor(Protocol):
    """The values to put in for some of the pairs, at every hook point that is patched."""

    def __call__(self, pairs: slice) -> dict[str, Shaped[Tensor, " #pairs *shape"]]: ...


def donor(
    policy: Policy,
    hooks: Sequence[str],
    source: Source,
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
        CircuitError: an unknown source, or one that lacks its reference or generator.
    """
    if source not in get_args(Source):
        raise CircuitError(f"unknown source {source!r}{nearest(str(source), get_args(Source))}")
    if source in ("other", "zero") and reference is not None:
        raise CircuitError(f"source {source!r} takes no reference frames")
    if (source == "resample") != (rng is not None):
        raise CircuitError("an rng goes with source 'resample', and with it alone")
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

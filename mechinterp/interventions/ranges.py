"""Does an edit leave what the network ever produces? (Sturgeon et al. 2025: most one-place patches that work do.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from mechinterp.coinrun.levels import StatesLike
from mechinterp.interventions.applying import apply
from mechinterp.interventions.edits import Edit
from mechinterp.interventions.errors import InterventionError
from mechinterp.interventions.moments import moments_of
from mechinterp.policies.subject import PolicyLike, as_policy


@dataclass(frozen=True, eq=False)
class NaturalRange:
    """The range of each channel over natural inputs, all cells together.

    Attributes:
        low, high: the two quantiles, one of each for every channel.
        quantiles: which quantiles these are.
    """

    low: Float[Tensor, " channels"]
    high: Float[Tensor, " channels"]
    quantiles: tuple[float, float]

    @classmethod
    def of(
        cls, values: Float[Tensor, "rows channels *cells"], *, quantiles: tuple[float, float] = (0.001, 0.999)
    ) -> NaturalRange:
        """From activations on natural frames. Raises InterventionError if there are no rows or the quantiles cross."""
        if not len(values) or not 0 <= quantiles[0] < quantiles[1] <= 1:
            raise InterventionError(f"NaturalRange: {len(values)} rows, quantiles {quantiles}; both must make sense")
        table = values.detach().transpose(0, 1).flatten(1).sort(1).values
        # The order statistics next outside each quantile; torch.quantile refuses more than 16 million numbers.
        last = table.shape[1] - 1
        low, high = int(quantiles[0] * last), -int(-quantiles[1] * last // 1)
        return cls(table[:, low].clone(), table[:, min(high, last)].clone(), quantiles)

    def share_outside(self, edited: Float[Tensor, "rows channels *cells"]) -> Float[Tensor, " channels"]:
        """The share of each channel's values that lies outside its natural range, 0 to 1."""
        if edited.shape[1] != len(self.low):
            raise InterventionError(f"NaturalRange: {len(self.low)} channels are known, got {tuple(edited.shape)}")
        table = edited.detach().transpose(0, 1).flatten(1)
        return ((table < self.low[:, None]) | (table > self.high[:, None])).to(torch.float64).mean(1)


@dataclass(frozen=True)
class Departure:
    """How far an edit leaves what the network produces by itself.

    Attributes:
        edit: in words.
        changed: the share of the numbers at its hook point that it changes, over frames.
        outside: of the changed numbers, the share that lies outside its channel's natural range (`NaturalRange`).
        percentiles: where the 1st, 50th and 99th percentile of the changed numbers lie among the natural ones of their
            channels, in percent: 50 is typical, 0 and 100 are beyond all that occurs.
    """

    edit: str
    changed: float
    outside: float
    percentiles: tuple[float, float, float]

    def __str__(self) -> str:
        low, middle, high = self.percentiles
        return (
            f"{self.edit}: changes {self.changed:.1%} of the numbers; {self.outside:.1%} of these lie outside the "
            f"natural range (percentiles {low:.0f}, {middle:.0f}, {high:.0f})"
        )


@torch.no_grad()
def departures(
    subject: PolicyLike,
    edits: Edit | Sequence[Edit],
    frames: UInt8[np.ndarray, "frames 64 64 3"],
    *,
    states: StatesLike | None = None,
    quantiles: tuple[float, float] = (0.001, 0.999),
) -> tuple[Departure, ...]:
    """How far each edit leaves the range of what occurs in these frames, those before it being done.

    Args:
        frames: natural ones, which the policy meets.
        states: the games behind them, for edits that depend on the game.

    Raises:
        UnknownHook, InterventionError: edits that do not fit; or one that changes nothing in any of the frames.
    """
    policy = as_policy(subject)
    several = (edits,) if isinstance(edits, Edit) else tuple(edits)
    pictures = torch.as_tensor(frames).to(next(policy.parameters()).device)
    moments = None if states is None else moments_of(policy, frames, states)
    found = []
    for place, edit in enumerate(several):
        natural = policy.activations(pictures, edit.hook)
        before = natural
        if place:
            with apply(policy, several[:place], states=moments):
                before = policy.activations(pictures, edit.hook)
        with apply(policy, several[: place + 1], states=moments):
            after = policy.activations(pictures, edit.hook)
        found.append(_departure(edit, natural, before, after, quantiles))
    return tuple(found)


def _departure(edit: Edit, natural: Tensor, before: Tensor, after: Tensor, quantiles: tuple[float, float]) -> Departure:
    table, old, new = (
        (value if value.ndim > 1 else value[:, None]).transpose(0, 1).flatten(1) for value in (natural, before, after)
    )
    changed = new != old
    if not bool(changed.any()):
        raise InterventionError(f"{edit}: it changes nothing in any of the {len(natural)} frames")
    known = NaturalRange.of(natural if natural.ndim > 1 else natural[:, None], quantiles=quantiles)
    outside = ((new < known.low[:, None]) | (new > known.high[:, None]))[changed]
    ordered = table.contiguous().sort(1).values
    # Halfway between what is below and what is at most: a number that occurs often (0, after a relu) is not extreme.
    below, most = (torch.searchsorted(ordered, new.contiguous(), right=right) for right in (False, True))
    ranks = ((below + most) / (2 * table.shape[1]))[changed].double().sort().values
    low, middle, high = (100 * float(ranks[round(q * (len(ranks) - 1))]) for q in (0.01, 0.5, 0.99))
    return Departure(str(edit), float(changed.double().mean()), float(outside.double().mean()), (low, middle, high))

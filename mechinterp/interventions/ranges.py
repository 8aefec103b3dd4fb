"""Does an edit leave what the network ever produces? (Sturgeon et al. 2025: most one-place patches that work do.)"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mechinterp.interventions.errors import InterventionError


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

"""`AttributionEffects`: approximate effects, with how well they rank parts by comparison with exact ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Float64, Int64

from mechinterp.circuits.arrays import freeze
from mechinterp.circuits.effects import Effects, P
from mechinterp.circuits.errors import CircuitError
from mechinterp.stats import Estimate


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class AttributionEffects(Effects[P]):
    """What `attribution_patching` estimates that exact patching would measure.

    Attributes:
        method: how the gradient was taken, see `gradients.Method`.
        compared: positions of the parts that were also patched exactly.
        exact: mean exact effect of those.
        agreement: one a metric: Spearman's rank correlation between the mean estimated and the mean exact effects of
            the compared parts. Never missing: without it no attribution is made.
    """

    method: str
    compared: Int64[np.ndarray, " compared"]
    exact: Float64[np.ndarray, "metrics compared"]
    agreement: tuple[Estimate, ...]

    WHAT: ClassVar[str] = "attribution effects"

    def __post_init__(self) -> None:
        super().__post_init__()
        freeze(self, {"exact": (len(self.metrics), len(self.compared))})
        if len(self.agreement) != len(self.metrics):
            raise CircuitError("attribution states its agreement with exact patching for every metric")

    def rank_correlation(self, metric: str | None = None) -> Estimate:
        """Spearman's correlation with exact patching, over all parts that were compared; n counts parts."""
        return self.agreement[self.index(metric)]

    def only(self, parts: Any) -> Effects[P]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Some of the parts, as plain effects: the agreement is that of all of them."""
        names = ("parts", "metrics", "direction", "replacement", "values", "start", "goal", "levels")
        return Effects(**{name: getattr(self, name) for name in names}).only(parts)

    def __str__(self) -> str:
        return "\n".join([f"{self!r}, {self.method}", *(f"  {found.name}: {found}" for found in self.agreement)])

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""
        data = super().to_dict() | {name: getattr(self, name).tolist() for name in ("compared", "exact")}
        return data | {"method": self.method, "agreement": [found.to_dict() for found in self.agreement]}

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> Self:
        data["compared"] = np.array(data["compared"], np.int64)
        data["agreement"] = tuple(Estimate.from_dict(found) for found in data["agreement"])
        return super()._from_dict(data)

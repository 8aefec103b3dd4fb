"""Approximate effects of sites or edges, labelled, with how well they rank beside exact ones."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from mechinterp import stats
from mechinterp.circuits.arrays import freeze
from mechinterp.circuits.effects import Direction
from mechinterp.circuits.errors import CircuitError
from mechinterp.circuits.nodes import Edge
from mechinterp.circuits.sites import PatchSite
from mechinterp.errors import MechinterpError, nearest


@dataclass(frozen=True, eq=False, kw_only=True)
class Attribution:
    """Estimates of what `PatchEffects.effect` (sites) or `Carried.effect` (edges) would measure.

    Attributes:
        parts: sites or edges.
        metrics: names.
        direction, source: as those of exact patching.
        method: how the gradient was taken, see `gradients.Method`.
        scores: the approximate effect, in the metric's unit.
        levels: the level of each pair: the cluster that counts as one sample.
        compared: positions of the parts that were also patched exactly.
        exact: mean exact effect of those.
        agreement: one a metric: Spearman's rank correlation between the mean scores and the exact effects of the
            compared parts. Never missing: without it no attribution is made.
    """

    parts: tuple[PatchSite, ...] | tuple[Edge, ...]
    metrics: tuple[str, ...]
    direction: Direction
    source: str
    method: str
    scores: Float64[np.ndarray, "metrics parts pairs"]
    levels: Int64[np.ndarray, " pairs"]
    compared: Int64[np.ndarray, " compared"]
    exact: Float64[np.ndarray, "metrics compared"]
    agreement: tuple[stats.Estimate, ...]

    def __post_init__(self) -> None:
        shapes = {
            "scores": (len(self.metrics), len(self.parts), len(self.levels)),
            "exact": (len(self.metrics), len(self.compared)),
        }
        freeze(self, shapes)
        if len(self.agreement) != len(self.metrics):
            raise CircuitError("an attribution states its agreement with exact patching for every metric")

    def effect(self, metric: str) -> Float64[np.ndarray, "parts pairs"]:
        """The approximate effect of each part in each pair."""
        return self.scores[self._index(metric)]

    def ranking(self, metric: str) -> Int64[np.ndarray, " parts"]:
        """Positions of the parts, that with the largest mean effect (in size) first."""
        return np.argsort(-np.abs(self.effect(metric).mean(1)), kind="stable")

    def rank_correlation(self, metric: str) -> stats.Estimate:
        """Spearman's correlation with exact patching; n counts parts."""
        return self.agreement[self._index(metric)]

    def select(self, pairs: Shaped[np.ndarray, " chosen"]) -> Attribution:
        """The same for some of the pairs; the agreement stays that of all."""
        return dataclasses.replace(self, scores=self.scores[:, :, pairs], levels=self.levels[pairs])

    def __str__(self) -> str:
        lines = [f"{len(self.parts)} parts, {self.method}, {self.direction}, {len(self.levels)} pairs"]
        lines += [f"  {found.name}: {found}" for found in self.agreement]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Everything, as one JSON object."""
        data: dict[str, Any] = {name: getattr(self, name) for name in ("metrics", "direction", "source", "method")}
        data["parts"] = [part.to_dict() if isinstance(part, PatchSite) else str(part) for part in self.parts]
        data |= {name: getattr(self, name).tolist() for name in ("scores", "levels", "compared", "exact")}
        data["agreement"] = [found.to_dict() for found in self.agreement]
        return json.dumps(data, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Attribution:
        """The inverse of `to_json`. Raises CircuitError for text that it did not write."""
        try:
            data = json.loads(text)
            data["parts"] = tuple(
                Edge.parse(part) if isinstance(part, str) else PatchSite.from_dict(part) for part in data["parts"]
            )
            data["metrics"] = tuple(data["metrics"])
            data |= {name: np.array(data[name], np.int64) for name in ("levels", "compared")}
            data["agreement"] = tuple(stats.Estimate.from_dict(found) for found in data["agreement"])
            return cls(**data)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, MechinterpError) as error:
            raise CircuitError(f"this is no JSON of an attribution: {error!r}") from error

    def _index(self, metric: str) -> int:
        if metric not in self.metrics:
            raise CircuitError(f"metric {metric!r} was not measured{nearest(metric, self.metrics)}")
        return self.metrics.index(metric)

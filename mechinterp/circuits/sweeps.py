"""Which parts of a network carry a variable's effect: ranked on some levels, measured on others."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from jaxtyping import Float64, Int64

from mechinterp.circuits.agreement import FEWEST
from mechinterp.circuits.attribution import attribution_patching
from mechinterp.circuits.effects import Direction
from mechinterp.circuits.errors import CircuitError, ZeroEffect
from mechinterp.circuits.metrics import is_distance
from mechinterp.circuits.paired import MEMORY
from mechinterp.circuits.pairs import Pairs, apart
from mechinterp.circuits.patching import patch
from mechinterp.circuits.records import Record
from mechinterp.circuits.zero import SMALLEST
from mechinterp.interventions.sites import Site
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate


@dataclass(frozen=True, eq=False, kw_only=True)
class PatchingSweep(Record):
    """Effects of patching many sites, one at a time.

    Attributes:
        metric, direction: as in `patch`.
        sites: all that were patched.
        ranked: mean effect of each on the levels to choose on, in the metric's unit.
        attributed: the same as attribution patching estimates it; None where the sites are too few to compare.
        agreement: rank correlation of the two, over a sample of sites.
        top: positions of the sites with the largest effects (in size) there, largest first.
        total: the whole effect of the variable, on the other levels.
        measured: the effect of each of `top`, on the other levels.
    """

    metric: str
    direction: Direction
    sites: tuple[Site, ...]
    ranked: Float64[np.ndarray, " sites"]
    attributed: Float64[np.ndarray, " sites"] | None
    agreement: Estimate | None
    top: Int64[np.ndarray, " top"]
    total: Estimate
    measured: tuple[Estimate, ...]

    WHAT: ClassVar[str] = "a patching sweep"

    def to_dict(self) -> dict[str, Any]:
        """As plain values that `json` writes."""
        attributed = None if self.attributed is None else self.attributed.tolist()
        return {
            "metric": self.metric,
            "direction": self.direction,
            "sites": [site.to_dict() for site in self.sites],
            "ranked": self.ranked.tolist(),
            "attributed": attributed,
            "agreement": None if self.agreement is None else self.agreement.to_dict(),
            "top": self.top.tolist(),
            "total": self.total.to_dict(),
            "measured": [found.to_dict() for found in self.measured],
        }

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> Self:
        data["sites"] = tuple(Site.from_dict(site) for site in data["sites"])
        data["ranked"], data["top"] = np.array(data["ranked"]), np.array(data["top"], np.int64)
        if data["attributed"] is not None:
            data["attributed"] = np.array(data["attributed"])
            data["agreement"] = Estimate.from_dict(data["agreement"])
        data["total"] = Estimate.from_dict(data["total"])
        data["measured"] = tuple(Estimate.from_dict(found) for found in data["measured"])
        return cls(**data)

    def to_csv(self) -> str:
        """A line for each site, in running order; value, low, high and n are filled for those of `top`."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        columns = ("site", "hook", "channels", "ranked", "attributed", "rank", "value", "low", "high", "n")
        writer.writerow(columns)
        rank = {int(i): place for place, i in enumerate(self.top, 1)}
        for i, site in enumerate(self.sites):
            found = self.measured[rank[i] - 1] if i in rank else None
            measured = ("",) * 4 if found is None else (found.value, found.low, found.high, found.n)
            estimated = "" if self.attributed is None else self.attributed[i]
            channels = "all" if site.channels is None else " ".join(map(str, site.channels))
            writer.writerow([site.label, site.hook, channels, self.ranked[i], estimated, rank.get(i, ""), *measured])
        return text.getvalue()

    def lines(self) -> list[str]:
        """What was found, as a table to read."""
        verb = "restores" if self.direction == "denoise" else "removes"
        null = self.total.null
        found = []
        if is_distance(self.metric):  # clean minus corrupted, as of any metric: 0 minus a distance
            words = f"{self.metric} is the distance from the clean run, 0 there"
            found = [f"{words}: negative numbers are what the clean run's side adds"]
        found += [f"total effect {self.total}" + ("" if null is None or null.p is None else f", p = {null.p:.2g}")]
        width = max(len(self.sites[i].label) for i in self.top)
        found.append(f"{'site':<{width}}  {verb} (levels not used to choose)")
        found += [f"{self.sites[i].label:<{width}}  {e}" for i, e in zip(self.top, self.measured, strict=True)]
        if self.agreement is None:
            found.append(
                f"attribution patching was not compared: that needs {FEWEST} sites, there are {len(self.sites)}"
            )
        else:
            found.append(f"rank correlation of attribution patching with exact patching {self.agreement}")
        return found


def patching_sweep(
    policy: Policy,
    choose: Pairs,
    report: Pairs,
    sites: Sequence[Site],
    *,
    rng: np.random.Generator,
    metric: str = "movement",
    direction: Direction = "denoise",
    top: int = 10,
    memory: int = MEMORY,
) -> PatchingSweep:
    """Patch all sites in the pairs `choose`, and those with the largest effects in `report`.

    Args:
        choose, report: pairs of different levels.

    Raises:
        ZeroEffect: no pair has any effect on the metric: there is nothing to carry.
        CircuitError: pairs that share levels, `top` below 1, or as `patch`.
        BudgetTooSmall: `memory` is too little for one patch of one pair, or for its gradients.
    """
    if top < 1:
        raise CircuitError(f"top must be at least 1, got {top}")
    apart(choose, report)
    ranked = patch(policy, choose, sites, direction=direction, metrics=metric, memory=memory)
    if not ranked.usable(metric).any():
        raise ZeroEffect(
            f"none of the {len(choose.levels)} pairs to choose on has an effect on {metric!r} (|clean - corrupted| <= "
            f"{SMALLEST:g}): the policy does not react to this variable, so no site can carry its effect",
            pairs=tuple(range(len(choose.levels))),
        )
    means = ranked.effect(metric).mean(1)
    attributed = agreement = None
    if len(sites) >= FEWEST and np.ptp(means) > 0:
        found = attribution_patching(policy, choose, sites, rng=rng, direction=direction, metrics=metric, memory=memory)
        attributed, agreement = found.effect(metric).mean(1), found.rank_correlation(metric)
    best = ranked.ranking(metric)[:top]
    again = patch(policy, report, [sites[i] for i in best], direction=direction, metrics=metric, memory=memory)
    return PatchingSweep(
        metric=metric,
        direction=direction,
        sites=tuple(sites),
        ranked=means,
        attributed=attributed,
        agreement=agreement,
        top=best,
        total=again.total_estimate(metric, rng=rng),
        measured=tuple(again.estimates(metric, rng=rng)),
    )

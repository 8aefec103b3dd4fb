"""What patching measured, labelled."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from mechinterp import stats
from mechinterp.circuits.arrays import freeze
from mechinterp.circuits.errors import CircuitError, ZeroEffect
from mechinterp.circuits.sites import PatchSite
from mechinterp.errors import MechinterpError, nearest

Direction = Literal["denoise", "noise"]
SMALLEST = 1e-6
"""Total effects of no more than this (in the metric's unit) count as zero: they are float32 rounding."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PatchEffects:
    """Metrics of every patched run, with those of the two runs without a patch.

    Attributes:
        sites: what was patched.
        metrics: names.
        direction: `denoise`: the corrupted run with a part of the clean one put in (is the site sufficient?);
            `noise`: the clean run with a part of the corrupted one put in (is it necessary?).
        source: what was put in at sites that name no source of their own: `other` (the other run), `cache` (a run of
            the caller's), `mean`, `zero` or `resample`.
        patched: metric of the patched runs.
        clean, corrupted: metric of the two runs without a patch.
        levels: the level of each pair: the cluster that counts as one sample.
    """

    sites: tuple[PatchSite, ...]
    metrics: tuple[str, ...]
    direction: Direction
    source: str
    patched: Float64[np.ndarray, "metrics sites pairs"]
    clean: Float64[np.ndarray, "metrics pairs"]
    corrupted: Float64[np.ndarray, "metrics pairs"]
    levels: Int64[np.ndarray, " pairs"]

    def __post_init__(self) -> None:
        pairs = len(self.levels)
        shapes = {"patched": (len(self.metrics), len(self.sites), pairs)}
        shapes |= dict.fromkeys(("clean", "corrupted"), (len(self.metrics), pairs))
        freeze(self, shapes)
        if self.direction not in ("denoise", "noise"):
            raise CircuitError(f"direction must be 'denoise' or 'noise', got {self.direction!r}")

    @property
    def sources(self) -> tuple[str, ...]:
        """What was put in at each site."""
        return tuple(self.source if site.source is None else site.source for site in self.sites)

    def index(self, metric: str) -> int:
        """Position of a metric. Raises CircuitError for a name that was not measured."""
        if metric not in self.metrics:
            raise CircuitError(f"metric {metric!r} was not measured{nearest(metric, self.metrics)}")
        return self.metrics.index(metric)

    def total(self, metric: str) -> Float64[np.ndarray, " pairs"]:
        """Clean minus corrupted, without a patch: all that there is to explain."""
        return self.clean[self.index(metric)] - self.corrupted[self.index(metric)]

    def effect(self, metric: str) -> Float64[np.ndarray, "sites pairs"]:
        """How much of `total` each patch carries, in the metric's unit.

        Patched minus corrupted when denoising, clean minus patched when noising: in both, the part of the total that
        went along with the site.
        """
        patched = self.patched[self.index(metric)]
        if self.direction == "denoise":
            return patched - self.corrupted[self.index(metric)]
        return self.clean[self.index(metric)] - patched

    def usable(self, metric: str, *, smallest: float = SMALLEST) -> Bool[np.ndarray, " pairs"]:
        """Pairs whose total effect is larger than `smallest` in size, so that one may divide by it."""
        return np.abs(self.total(metric)) > smallest

    def normalised(self, metric: str, *, smallest: float = SMALLEST) -> Float64[np.ndarray, "sites pairs"]:
        """`effect` as a share of each pair's own `total`: 0 nothing, 1 all. `shares` is steadier: it divides means.

        Raises:
            ZeroEffect: some pairs have no total effect; `select(usable(metric))` leaves them out.
        """
        usable = self.usable(metric, smallest=smallest)
        if not usable.all():
            pairs = tuple(np.flatnonzero(~usable).tolist())
            raise ZeroEffect(
                f"{len(pairs)} of {len(usable)} pairs have no effect on {metric!r} (|clean - corrupted| <= "
                f"{smallest:g}; pairs {list(pairs[:10])}), so there is nothing to normalise by; leave them out with "
                f"effects.select(effects.usable({metric!r})), and say so",
                pairs=pairs,
            )
        return self.effect(metric) / self.total(metric)

    def select(self, pairs: Shaped[np.ndarray, " chosen"]) -> PatchEffects:
        """The same for some of the pairs, by mask or positions."""
        return dataclasses.replace(
            self,
            patched=self.patched[:, :, pairs],
            clean=self.clean[:, pairs],
            corrupted=self.corrupted[:, pairs],
            levels=self.levels[pairs],
        )

    def ranking(self, metric: str) -> Int64[np.ndarray, " sites"]:
        """Positions of the sites, that with the largest mean effect (in size) first."""
        return np.argsort(-np.abs(self.effect(metric).mean(1)), kind="stable")

    def estimates(self, metric: str, *, rng: np.random.Generator, level: float = 0.95) -> list[stats.Estimate]:
        """The mean `effect` of each site, in the metric's unit, with an interval over levels."""
        names = [f"{self.direction} {site.label}: {metric}" for site in self.sites]
        return stats.means(
            self.effect(metric).T, names=names, unit="levels", rng=rng, clusters=self.levels, level=level
        )

    def estimate(
        self, site: int | PatchSite, metric: str, *, rng: np.random.Generator, level: float = 0.95
    ) -> stats.Estimate:
        """The mean `effect` of one site (or of the one at this position), in the metric's unit."""
        position = self._position(site)
        return stats.mean(
            self.effect(metric)[position],
            name=f"{self.direction} {self.sites[position].label}: {metric}",
            unit="levels",
            rng=rng,
            clusters=self.levels,
            level=level,
        )

    def share(
        self, site: int | PatchSite, metric: str, *, rng: np.random.Generator, level: float = 0.95
    ) -> stats.Estimate:
        """Mean effect of one site over the mean total effect (a ratio of means, not a mean of ratios).

        Raises:
            UndefinedRatio: the total effect cannot be told from 0.
        """
        position = self._position(site)
        return stats.ratio(
            self.effect(metric)[position],
            self.total(metric),
            name=f"{self.direction} {self.sites[position].label}: share of the effect on {metric}",
            unit="levels",
            rng=rng,
            clusters=self.levels,
            level=level,
        )

    def total_estimate(self, metric: str, *, rng: np.random.Generator, level: float = 0.95) -> stats.Estimate:
        """The mean `total`: the ceiling of every site's effect, and its null (signs flipped by level)."""
        i = self.index(metric)
        return stats.paired_difference(
            self.clean[i],
            self.corrupted[i],
            name=f"clean - corrupted: {metric}",
            unit="levels",
            rng=rng,
            clusters=self.levels,
            level=level,
        )

    def to_json(self) -> str:
        """Everything, as one JSON object."""
        data: dict[str, Any] = {"metrics": list(self.metrics), "direction": self.direction, "source": self.source}
        data["sites"] = [site.to_dict() for site in self.sites]
        data |= {name: getattr(self, name).tolist() for name in ("patched", "clean", "corrupted", "levels")}
        return json.dumps(data, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> PatchEffects:
        """The inverse of `to_json`. Raises CircuitError for text that it did not write."""
        try:
            data = json.loads(text)
            sites = tuple(PatchSite.from_dict(site) for site in data.pop("sites"))
            levels = np.array(data.pop("levels"), np.int64)
            return cls(sites=sites, metrics=tuple(data.pop("metrics")), levels=levels, **data)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, MechinterpError) as error:
            raise CircuitError(f"this is no JSON of patch effects: {error!r}") from error

    def _position(self, site: int | PatchSite) -> int:
        if isinstance(site, PatchSite):
            if site not in self.sites:
                raise CircuitError(f"{site.label} was not patched; there are {len(self.sites)} sites")
            return self.sites.index(site)
        if not -len(self.sites) <= site < len(self.sites):
            raise CircuitError(f"there is no site {site}; there are {len(self.sites)}")
        return site

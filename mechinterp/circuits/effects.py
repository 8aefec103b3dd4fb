"""`Effects`: what patching, edges, paths, circuits and attribution all give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float64

from mechinterp import stats
from mechinterp.circuits.pairwise import Direction as Direction
from mechinterp.circuits.pairwise import P, PairwiseEffects
from mechinterp.circuits.tables import SHOWN, effects_frame, effects_html
from mechinterp.circuits.zero import refusing_zero
from mechinterp.stats import Estimate


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Effects(PairwiseEffects[P]):
    """How much of the total effect each part carries: pair by pair, as estimates, and as a table.

    Attributes:
        parts, metrics, direction, replacement, values, start, goal, levels: see `PairwiseEffects`.
    """

    def estimates(
        self, metric: str | None = None, *, rng: np.random.Generator | None = None, level: float = 0.95
    ) -> list[Estimate]:
        """The mean `effect` of each part, in the metric's unit, with an interval over levels.

        Args:
            rng: by default ``np.random.default_rng(0)``, here and in the methods below.
        """
        name = self.metrics[self.index(metric)]
        names = [f"{self.direction} {label}: {name}" for label in self.labels]
        return stats.means(
            self.effect(metric).T, names=names, unit="levels", rng=_rng(rng), clusters=self.levels, level=level
        )

    def estimate(
        self,
        part: int | str | P,
        metric: str | None = None,
        *,
        rng: np.random.Generator | None = None,
        level: float = 0.95,
    ) -> Estimate:
        """The mean `effect` of one part (or of the one at this position, or of this label), in the metric's unit."""
        (found,) = self.only([part]).estimates(metric, rng=rng, level=level)
        return found

    def shares(self, metric: str | None = None, *, rng: np.random.Generator | None = None) -> list[Estimate]:
        """Mean effect of each part over the mean total effect: for a circuit, its faithfulness (0 none, 1 all).

        A ratio of means, so that pairs without an effect are never divided by.

        Raises:
            ZeroEffect: no pair has an effect, or their mean cannot be told from 0.
        """
        drawn = _rng(rng)
        return [self.share(at, metric, rng=drawn) for at in range(len(self))]

    def share(
        self,
        part: int | str | P,
        metric: str | None = None,
        *,
        rng: np.random.Generator | None = None,
        level: float = 0.95,
    ) -> Estimate:
        """`shares` of one part. Raises ZeroEffect, as `shares`."""
        at, name = self.position(part), self.metrics[self.index(metric)]
        words = f"{self.direction} {self.labels[at]}: share of {name}"
        return self.ratio(self.effect(metric)[at], metric, name=words, rng=_rng(rng), level=level)

    def ratio(
        self,
        effect: Float64[np.ndarray, " pairs"],
        metric: str | None = None,
        *,
        name: str,
        rng: np.random.Generator,
        level: float = 0.95,
    ) -> Estimate:
        """The mean of any effect of these pairs over the mean total. Raises ZeroEffect, as `shares`."""
        total, words = self.total(metric), self.metrics[self.index(metric)]
        options: dict[str, Any] = {"unit": "levels", "rng": rng, "clusters": self.levels, "level": level}
        return refusing_zero(lambda: stats.ratio(effect, total, name=name, **options), total, words)

    def total_estimate(
        self, metric: str | None = None, *, rng: np.random.Generator | None = None, level: float = 0.95
    ) -> Estimate:
        """The mean `total`: the ceiling of every part's effect, and its null, a mean of 0."""
        total, name = self.total(metric), f"clean - corrupted: {self.metrics[self.index(metric)]}"
        nothing, clusters = np.zeros_like(total), self.levels
        return stats.paired_difference(
            total, nothing, name=name, unit="levels", rng=_rng(rng), clusters=clusters, level=level
        )

    def to_frame(self, metric: str | None = None, *, rng: np.random.Generator | None = None) -> pd.DataFrame:
        """A row a part: its label, the metric where there are several, mean effect, interval over levels, share of the
        total effect. (Few columns, so that a terminal shows them all.)

        Where all pairs are of one level there is no interval: it is missing then (NaN).

        Args:
            metric: by default all of them, one after the other.
        """
        names = self.metrics if metric is None else (self.metrics[self.index(metric)],)
        bounded = len(np.unique(self.levels)) > 1 and len(self) > 0
        means = {name: self.estimates(name, rng=_rng(rng)) if bounded else [] for name in names}
        return pd.concat([effects_frame(self, name, found) for name, found in means.items()], ignore_index=True)

    def _repr_html_(self) -> str:
        metric = self.metrics[0]
        shown = self.top(SHOWN, metric) if len(self) else self
        return effects_html(self, shown.to_frame(metric))


def _rng(rng: np.random.Generator | None) -> np.random.Generator:
    return np.random.default_rng(0) if rng is None else rng

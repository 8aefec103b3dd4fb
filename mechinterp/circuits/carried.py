"""How much of the total effect edges, routes or circuits carry, labelled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from mechinterp import stats
from mechinterp.circuits.arrays import freeze
from mechinterp.circuits.effects import SMALLEST, Direction
from mechinterp.circuits.errors import CircuitError, ZeroEffect
from mechinterp.errors import nearest
from mechinterp.stats import Estimate


@dataclass(frozen=True, eq=False, kw_only=True)
class Carried:
    """Metrics of a run for each part, with those of the two runs that it lies between.

    Attributes:
        parts: edges, routes or circuits (whatever `str` names).
        metrics: names.
        direction: `denoise`: from the corrupted run toward the clean one; `noise`: the other way.
        source: where the values outside the part come from, or, for an edge, what is put in (`other`, `mean`, ...).
        run: metric of the run of each part.
        start: metric where no part is changed (edges, routes) or everything is ablated (circuits).
        goal: metric of the run whose effect is to be carried: the whole network on the other frame.
        levels: the level of each pair: the cluster that counts as one sample.
    """

    parts: tuple[Any, ...]
    metrics: tuple[str, ...]
    direction: Direction
    source: str
    run: Float64[np.ndarray, "metrics parts pairs"]
    start: Float64[np.ndarray, "metrics pairs"]
    goal: Float64[np.ndarray, "metrics pairs"]
    levels: Int64[np.ndarray, " pairs"]

    def __post_init__(self) -> None:
        pairs = len(self.levels)
        shapes = {"run": (len(self.metrics), len(self.parts), pairs)}
        shapes |= dict.fromkeys(("start", "goal"), (len(self.metrics), pairs))
        freeze(self, shapes)
        if self.direction not in ("denoise", "noise"):
            raise CircuitError(f"direction must be 'denoise' or 'noise', got {self.direction!r}")

    def total(self, metric: str) -> Float64[np.ndarray, " pairs"]:
        """All that there is to carry, signed as clean minus corrupted."""
        i = self._index(metric)
        return self._sign * (self.goal[i] - self.start[i])

    def effect(self, metric: str) -> Float64[np.ndarray, "parts pairs"]:
        """What each part carries of `total`, in the metric's unit."""
        i = self._index(metric)
        return self._sign * (self.run[i] - self.start[i])

    def scores(self, metric: str) -> Float64[np.ndarray, " parts"]:
        """Mean `effect` of each part."""
        return self.effect(metric).mean(1)

    def usable(self, metric: str, *, smallest: float = SMALLEST) -> Bool[np.ndarray, " pairs"]:
        """Pairs whose total effect is larger than `smallest` in size."""
        return np.abs(self.total(metric)) > smallest

    def select(self, pairs: Shaped[np.ndarray, " chosen"]) -> Carried:
        """The same for some of the pairs, by mask or positions."""
        return dataclasses.replace(
            self,
            run=self.run[:, :, pairs],
            start=self.start[:, pairs],
            goal=self.goal[:, pairs],
            levels=self.levels[pairs],
        )

    def estimates(self, metric: str, *, rng: np.random.Generator) -> list[Estimate]:
        """The mean `effect` of each part, with an interval over levels."""
        names = [f"{self.direction} {part}: {metric}" for part in self.parts]
        return stats.means(self.effect(metric).T, names=names, unit="levels", rng=rng, clusters=self.levels)

    def shares(self, metric: str, *, rng: np.random.Generator) -> list[Estimate]:
        """Mean effect of each part over the mean total effect: for a circuit, its faithfulness (0 none, 1 all).

        A ratio of means, so that pairs without an effect are never divided by.

        Raises:
            ZeroEffect: no pair has an effect, or their mean cannot be told from 0.
        """
        return [
            self.ratio(row, metric, name=f"{self.direction} {part}: share of {metric}", rng=rng)
            for part, row in zip(self.parts, self.effect(metric), strict=True)
        ]

    def ratio(
        self, effect: Float64[np.ndarray, " pairs"], metric: str, *, name: str, rng: np.random.Generator
    ) -> Estimate:
        """The mean of any effect of these pairs over the mean total. Raises ZeroEffect, as `shares`."""
        return refusing_zero(
            lambda: stats.ratio(effect, self.total(metric), name=name, unit="levels", rng=rng, clusters=self.levels),
            self.total(metric),
            metric,
        )

    def _index(self, metric: str) -> int:
        if metric not in self.metrics:
            raise CircuitError(f"metric {metric!r} was not measured{nearest(metric, self.metrics)}")
        return self.metrics.index(metric)

    @property
    def _sign(self) -> float:
        return 1.0 if self.direction == "denoise" else -1.0


def refusing_zero(make: Callable[[], Estimate], total: Float64[np.ndarray, " pairs"], metric: str) -> Estimate:
    """What `make` makes of shares of `total`.

    Raises:
        ZeroEffect: there is no effect to take shares of.
    """
    zero = tuple(np.flatnonzero(np.abs(total) <= SMALLEST).tolist())
    if len(zero) == len(total):
        raise ZeroEffect(
            f"none of the {len(total)} pairs has an effect on {metric!r} (|total| <= {SMALLEST:g}), so there is "
            "nothing for a circuit to carry and nothing to normalise by",
            pairs=zero,
        )
    try:
        return make()
    except stats.UndefinedRatio as error:
        raise ZeroEffect(
            f"the mean effect of these pairs on {metric!r} cannot be told from 0 ({len(zero)} of {len(total)} have "
            f"none at all), so shares of it have no meaning: {error}",
            pairs=zero,
        ) from error

"""How well circuits stand for the whole network, over their size, and beside random circuits.

Faithfulness of a circuit C: ``(m(C) - m(nothing)) / (m(everything) - m(nothing))``, m the mean metric of runs in which
all outside is ablated (Wang et al. 2023). Over the size k, as a share of all candidates, the benchmark MIB (Mueller et
al. 2025) takes two areas: CPR, the integral of faithfulness (more is better: the circuit does what the network does),
and CMD, the integral of |1 - faithfulness| (less is better: neither less nor more than the network).

Rank on some levels and measure on others: nothing here can tell whether that was done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64, Shaped

from mechinterp import stats
from mechinterp.circuits.alone import run_alone
from mechinterp.circuits.carried import refusing_zero
from mechinterp.circuits.circuit import Circuit, Part, candidates, place
from mechinterp.circuits.effects import SMALLEST, Direction
from mechinterp.circuits.errors import CircuitError, ZeroEffect
from mechinterp.circuits.graph import ResidualGraph
from mechinterp.circuits.pairs import Pairs
from mechinterp.circuits.patching import MEMORY
from mechinterp.circuits.ranking import Ranking
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate

DIRECTIONS: tuple[Direction, Direction] = ("denoise", "noise")
ENOUGH = 0.8
"""The share of the effect that `smallest` asks for."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """What circuits of growing size carry, pair by pair.

    Attributes:
        sizes: from 0 to all candidates.
        direction, metric: what was measured.
        effect: what each circuit carries of `total`.
        total: clean minus corrupted, or, with other ablations than `other`, everything minus nothing.
        levels: the level of each pair.
    """

    sizes: tuple[int, ...]
    direction: Direction
    metric: str
    effect: Float64[np.ndarray, "sizes pairs"]
    total: Float64[np.ndarray, " pairs"]
    levels: Int64[np.ndarray, " pairs"]

    def values(self) -> Float64[np.ndarray, " sizes"]:
        """Faithfulness, as bare numbers: for choosing a size, not for reporting.

        Raises:
            ZeroEffect: no pair has an effect, or they add up to none.
        """
        whole = float(self.total.mean())
        if abs(whole) <= SMALLEST:
            zero = tuple(np.flatnonzero(np.abs(self.total) <= SMALLEST).tolist())
            raise ZeroEffect(
                f"the mean effect of these pairs on {self.metric!r} is {whole:g}, which is rounding (<= {SMALLEST:g}; "
                f"{len(zero)} of {len(self.total)} pairs have none at all): there is nothing to take a share of",
                pairs=zero,
            )
        return self.effect.mean(1) / whole

    def refuse_zero(self) -> None:
        """Raise ZeroEffect where there is no effect to be faithful to, or none that can be told from 0."""
        self._ratio(self.total, "total", np.random.default_rng(0))

    def faithfulness(self, *, rng: np.random.Generator) -> list[Estimate]:
        """At each size, clustered by level. Raises ZeroEffect where there is no effect to be faithful to."""
        return [
            self._ratio(row, f"{self.direction}: faithfulness of {size} parts", rng)
            for size, row in zip(self.sizes, self.effect, strict=True)
        ]

    def cpr(self, *, rng: np.random.Generator) -> Estimate:
        """The area under faithfulness, over the share of candidates. Raises ZeroEffect, as `faithfulness`."""
        return self._area("CPR", lambda share: share, rng)

    def cmd(self, *, rng: np.random.Generator) -> Estimate:
        """The area between faithfulness and 1. Raises ZeroEffect, as `faithfulness`."""
        return self._area("CMD", lambda share: np.abs(1 - share), rng)

    def _area(self, name: str, of: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator) -> Estimate:
        at = np.array(self.sizes) / self.sizes[-1]

        def area(weights: Float[np.ndarray, "draws pairs"]) -> Float[np.ndarray, " draws"]:
            shares = (weights @ self.effect.T) / (weights @ self.total)[:, None]
            heights = of(shares)
            return ((heights[:, 1:] + heights[:, :-1]) / 2 * np.diff(at)).sum(1)

        self.refuse_zero()
        return stats.bootstrap(
            area, rows=len(self.total), name=f"{self.direction}: {name}", unit="levels", rng=rng, clusters=self.levels
        )

    def _ratio(self, effect: Float64[np.ndarray, " pairs"], name: str, rng: np.random.Generator) -> Estimate:
        def make() -> Estimate:
            return stats.ratio(effect, self.total, name=name, unit="levels", rng=rng, clusters=self.levels)

        return refusing_zero(make, self.total, self.metric)


def curve(
    policy: Policy,
    pairs: Pairs,
    ranking: Ranking,
    *,
    sizes: Sequence[int] | None = None,
    direction: Direction = "denoise",
    metric: str = "movement",
    rng: np.random.Generator | None = None,
    memory: int = MEMORY,
) -> Curve:
    """Run the best 0, ..., all parts of a ranking alone.

    Args:
        sizes: which sizes (0 and all are added); by default about 12, evenly spaced by ratio.
        rng: draws the values of the ablation `resample`.
    """
    chosen = growing(len(ranking.parts)) if sizes is None else tuple(sorted({0, *sizes, len(ranking.parts)}))
    circuits = [ranking.circuit(size) for size in chosen]
    run = run_alone(policy, pairs, circuits, direction=direction, metrics=metric, rng=rng, memory=memory)
    return Curve(
        sizes=chosen,
        direction=direction,
        metric=metric,
        effect=run.effect(metric),
        total=run.total(metric),
        levels=run.levels,
    )


def growing(most: int, count: int = 12) -> tuple[int, ...]:
    """0, then about `count` sizes up to `most`, evenly spaced by ratio."""
    return tuple(sorted({0, *np.unique(np.geomspace(1, most, count).round().astype(int)).tolist(), most}))


def smallest(curves: Sequence[Curve], *, share: float = ENOUGH) -> int:
    """The smallest of the sizes at which every curve has at least `share`. Choose on other levels than are reported.

    Raises:
        CircuitError: curves of different sizes, or no size that is enough.
        ZeroEffect: no effect to take a share of.
    """
    if isinstance(curves, Curve):
        raise CircuitError("smallest takes a list of curves; write [curve] for a single one")
    if len({one.sizes for one in curves}) != 1:
        raise CircuitError("curves of the same sizes are needed, at least one")
    least = np.array([one.values() for one in curves]).min(0)
    enough = least >= share - 1e-6  # float32 rounding
    if not enough.any():
        raise CircuitError(
            f"no size has {share:g} of the effect on every curve; the most is {least.max():.3g}, with "
            f"{curves[0].sizes[int(np.argmax(least))]} parts: ask for a smaller share"
        )
    return curves[0].sizes[int(np.argmax(enough))]


def random_like(policy: Policy, one: Circuit, count: int, rng: np.random.Generator) -> list[Circuit]:
    """Random circuits of the same universe with as many parts at every hook point: the null of a circuit.

    Matching hook points is stricter than matching the size alone: one layer may carry much more than another.
    """
    everything = candidates(ResidualGraph.of(policy), one.kind, one.universe)
    by_hook: dict[str, list[Part]] = {}
    for part in everything:
        by_hook.setdefault(place(part), []).append(part)
    wanted = {hook: sum(place(part) == hook for part in one.parts) for hook in by_hook}
    drawn = []
    for _ in range(count):
        picks = [
            [parts[i] for i in sorted(rng.choice(len(parts), wanted[hook], replace=False))]
            for hook, parts in by_hook.items()
        ]
        drawn.append(one.with_parts(part for parts in picks for part in parts))
    return drawn


def best(
    effects: Sequence[Float64[np.ndarray, "parts pairs"]],
    size: int,
    weights: Shaped[np.ndarray, " pairs"] | None = None,
) -> set[int]:
    """Positions of the `size` parts with the largest effects: of the mean |effect| over pairs, the larger direction.

    That is the score of `by_effects`, and ties are broken as `Ranking.order` breaks them.
    """
    scores = np.max([np.average(np.abs(one), axis=1, weights=weights) for one in effects], axis=0)
    return set(np.argsort(-scores, kind="stable")[:size].tolist())


def stability(
    effects: Sequence[Float64[np.ndarray, "parts pairs"]],
    levels: Int64[np.ndarray, " pairs"],
    size: int,
    *,
    rng: np.random.Generator,
    draws: int = 200,
) -> Estimate:
    """How much the best `size` parts stay the same when the levels that they are chosen on are drawn again.

    The mean Jaccard index of the set chosen on all levels (as `best` does) and that chosen on a bootstrap of them, and
    the central 95 % of it.

    Args:
        effects: of each part in each pair; one array for each direction that the ranking took the larger of.

    Raises:
        CircuitError: fewer than two levels, no draws, more parts than there are, or arrays of other shapes.
    """
    if draws < 1:
        raise CircuitError(f"stability needs at least 1 draw, got {draws}")
    labels, index = np.unique(levels, return_inverse=True)
    count = len(labels)
    parts = len(effects[0]) if len(effects) else 0
    if any(np.shape(one) != (parts, len(levels)) for one in effects):
        raise CircuitError(
            f"stability needs arrays of one effect for each part and each of {len(levels)} pairs, got shapes "
            f"{[np.shape(one) for one in effects]}"
        )
    if count < 2 or not 0 < size <= parts:
        raise CircuitError(f"stability needs 2 levels and 1 to {parts} parts, got {count} and {size}")
    first, found = best(effects, size), []
    for _ in range(draws):
        again = best(effects, size, np.bincount(rng.integers(count, size=count), minlength=count)[index])
        found.append(len(first & again) / len(first | again))
    low, high = np.quantile(found, [0.025, 0.975])
    value = float(np.mean(found))
    return Estimate(
        name=f"stability of {size} parts (Jaccard)",
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        n=len(labels),
        unit="levels",
        method=f"{draws} bootstraps of levels",
    )

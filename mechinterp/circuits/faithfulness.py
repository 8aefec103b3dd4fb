"""How well circuits stand for the whole network, over their size.

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
from jaxtyping import Float, Float64

from mechinterp import stats
from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.effects import Direction, Effects
from mechinterp.circuits.errors import CircuitError, ZeroEffect
from mechinterp.circuits.paired import MEMORY
from mechinterp.circuits.pairs import Pairs
from mechinterp.circuits.ranking import Ranking
from mechinterp.circuits.running import run_circuit
from mechinterp.circuits.zero import SMALLEST, refusing_zero
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate

ENOUGH = 0.8
"""The share of the effect that `smallest` asks for."""


@dataclass(frozen=True, eq=False)
class Curve:
    """What circuits of growing size carry, pair by pair.

    Attributes:
        sizes: from 0 to all candidates.
        effects: of the circuit of each size, on one metric.
    """

    sizes: tuple[int, ...]
    effects: Effects[Circuit]

    def __post_init__(self) -> None:
        if len(self.effects.metrics) != 1 or len(self.effects) != len(self.sizes):
            raise CircuitError(f"a curve of {len(self.sizes)} sizes needs a circuit of each, and one metric")

    @property
    def direction(self) -> Direction:
        """Denoising or noising."""
        return self.effects.direction

    @property
    def metric(self) -> str:
        """What was measured."""
        return self.effects.metrics[0]

    @property
    def effect(self) -> Float64[np.ndarray, "sizes pairs"]:
        """What each circuit carries of `total`."""
        return self.effects.effect()

    @property
    def total(self) -> Float64[np.ndarray, " pairs"]:
        """Clean minus corrupted, or, with other ablations than `counterfactual`, everything minus nothing."""
        return self.effects.total()

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
            area,
            rows=len(self.total),
            name=f"{self.direction}: {name}",
            unit="levels",
            rng=rng,
            clusters=self.effects.levels,
        )

    def _ratio(self, effect: Float64[np.ndarray, " pairs"], name: str, rng: np.random.Generator) -> Estimate:
        def make() -> Estimate:
            return stats.ratio(effect, self.total, name=name, unit="levels", rng=rng, clusters=self.effects.levels)

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
    """Run circuits of the best 0, ..., all parts of a ranking.

    Args:
        sizes: which sizes (0 and all are added); by default about 12, evenly spaced by ratio.
        rng: draws the values of the ablation `resample`.
    """
    chosen = growing(len(ranking.parts)) if sizes is None else tuple(sorted({0, *sizes, len(ranking.parts)}))
    circuits = [ranking.circuit(size) for size in chosen]
    return Curve(
        chosen, run_circuit(policy, pairs, circuits, direction=direction, metrics=metric, rng=rng, memory=memory)
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

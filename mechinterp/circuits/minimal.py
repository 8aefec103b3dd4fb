"""The smallest circuit that carries an effect both ways: chosen on some levels, measured on others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mechinterp import stats
from mechinterp.circuits.circuit import Circuit
from mechinterp.circuits.effects import Direction, Effects
from mechinterp.circuits.errors import CircuitError, ZeroEffect
from mechinterp.circuits.faithfulness import ENOUGH, Curve, curve, growing, smallest
from mechinterp.circuits.paired import DIRECTIONS, MEMORY
from mechinterp.circuits.pairs import Pairs, apart
from mechinterp.circuits.random_circuits import matched_random_circuits
from mechinterp.circuits.ranking import Ranking
from mechinterp.circuits.running import run_circuit
from mechinterp.policies.graph import Policy
from mechinterp.stats import Estimate, Null

DRAWS = 100
"""Random circuits among which a chosen one is ranked: p can fall to 1 %."""
STEPS, FINER = 10, 5
"""Sizes that are tried, evenly spaced by ratio; and, again and again, between the last that was too small and the first
that was not."""


@dataclass(frozen=True, eq=False, kw_only=True)
class OneWay:
    """Circuits of one ranking, denoising or noising, on the levels to report on.

    Attributes:
        curve: pair by pair.
        faithfulness: size -> share of the effect, with the null of random circuits where they were run.
        chosen: that of the chosen size.
        random: the mean share of the random circuits of that size; None where it is every part.
        cpr, cmd: the areas of `Curve`.
    """

    curve: Curve
    faithfulness: Mapping[int, Estimate]
    chosen: Estimate
    random: Estimate | None
    cpr: Estimate
    cmd: Estimate


@dataclass(frozen=True, eq=False, kw_only=True)
class MinimalFaithfulCircuit:
    """The smallest circuit of a ranking that is enough both ways.

    Attributes:
        total: the whole effect, clean minus corrupted, on the levels to report on.
        circuit: the smallest that has `share` of the effect in both directions on the levels to choose on; None where
            there is no effect to take shares of.
        why: where there is no circuit: what was the matter.
        passed: whether it has `share` both ways on the levels to report on, too; False where there is no circuit.
        ways: what it and others of its ranking carry on the levels to report on; nothing where there is no circuit.
    """

    ranking: Ranking
    metric: str
    share: float
    total: Estimate
    circuit: Circuit | None
    why: str
    ways: Mapping[Direction, OneWay]

    @property
    def passed(self) -> bool:
        return bool(self.ways) and min(way.chosen.value for way in self.ways.values()) >= self.share


def minimal_faithful_circuit(
    policy: Policy,
    choose: Pairs,
    report: Pairs,
    ranking: Ranking,
    *,
    rng: np.random.Generator,
    metric: str = "movement",
    share: float = ENOUGH,
    draws: int = DRAWS,
    band: int = 6,
    memory: int = MEMORY,
) -> MinimalFaithfulCircuit:
    """Choose the size on some levels; measure circuits of that size and others on the rest.

    Args:
        choose, report: pairs of different levels. Rank on `choose`, too.
        rng: of intervals, of random circuits and, for rankings of circuits with the ablation `resample`, of the frames
            that it draws: the same ones for all circuits on the same pairs.
        share: of the effect, above 0.
        draws: random circuits, with as many parts at every hook point (`matched_random_circuits`), among which the
            chosen circuit is ranked.
        band: random circuits at each of the other sizes, to draw; 0 for none.

    Raises:
        CircuitError: levels that both have, options that do not fit, or no circuit that has `share` of the effect.
    """
    apart(choose, report)
    if not 0 < share < np.inf:
        raise CircuitError(f"share must be above 0, such as 0.8 of the effect, got {share}")
    if draws < 1 or band < 0:
        raise CircuitError(f"draws must be 1 or more and band 0 or more, got {draws} and {band}")

    seed = int(rng.integers(2**63)) if ranking.empty.ablation == "resample" else None

    def again() -> np.random.Generator | None:
        return None if seed is None else np.random.default_rng(seed)

    def curves(pairs: Pairs, sizes: Sequence[int]) -> list[Curve]:
        options = {"metric": metric, "memory": memory}
        return [curve(policy, pairs, ranking, sizes=sizes, direction=d, rng=again(), **options) for d in DIRECTIONS]

    def run(circuits: Sequence[Circuit], direction: Direction) -> Effects[Circuit]:
        return run_circuit(
            policy, report, circuits, direction=direction, metrics=metric, rng=again(), memory=memory
        )  # fmt: skip

    steps, size, why = growing(len(ranking.parts), STEPS), 0, ""
    try:
        size = refined(lambda sizes: curves(choose, sizes), steps, share)
    except ZeroEffect as error:
        why = f"where circuits are chosen, {error}"
    found = curves(report, () if why else [*steps, size])
    total = stats.paired_difference(
        found[0].total,
        np.zeros(len(found[0].total)),
        name="total",
        unit="levels",
        rng=rng,
        clusters=found[0].effects.levels,
    )
    try:
        found[0].refuse_zero()
    except ZeroEffect as error:
        why = why or f"where circuits are reported on, {error}"
    if why:
        return MinimalFaithfulCircuit(
            ranking=ranking, metric=metric, share=share, total=total, circuit=None, why=why, ways={}
        )  # fmt: skip
    counts = dict.fromkeys(steps if band else (), band) | {size: draws}
    circuits = {
        at: matched_random_circuits(policy, ranking.circuit(at), count, rng)
        for at, count in sorted(counts.items())
        if 0 < at < len(ranking.parts)
    }
    ways: dict[Direction, OneWay] = {
        direction: _one_way(run, one, size, circuits, rng) for direction, one in zip(DIRECTIONS, found, strict=True)
    }
    return MinimalFaithfulCircuit(
        ranking=ranking, metric=metric, share=share, total=total, circuit=ranking.circuit(size), why="", ways=ways
    )


def refined(curves: Callable[[Sequence[int]], list[Curve]], steps: Sequence[int], share: float = ENOUGH) -> int:
    """The smallest size of a ranking that is enough both ways, next to one that is not.

    Args:
        curves: gives those of both directions, at the sizes asked for.
        steps: sizes to begin with.

    Raises:
        ZeroEffect: no effect that can be told from 0.
        CircuitError: no size is enough.
    """
    trial = curves(steps)
    trial[0].refuse_zero()
    size = smallest(trial, share=share)
    below = max((step for step in steps if step < size), default=0)
    while size - below > 1:
        between = sorted({below, size, *np.linspace(below, size, FINER + 2).round().astype(int).tolist()})
        size = smallest(curves(between), share=share)
        below = max((step for step in between if step < size), default=0)
    return size


def _one_way(
    run: Callable[[Sequence[Circuit], Direction], Effects[Circuit]],
    one: Curve,
    size: int,
    circuits: Mapping[int, list[Circuit]],
    rng: np.random.Generator,
) -> OneWay:
    shares, random = dict(zip(one.sizes, one.faithfulness(rng=rng), strict=True)), None
    if circuits:
        listed = [each for size in circuits for each in circuits[size]]
        found = run(listed, one.direction)
        ends = np.cumsum([len(own) for own in circuits.values()])[:-1]
        for at, by_draw in zip(circuits, np.split(found.effect(one.metric), ends), strict=True):
            words = f"{len(by_draw)} random circuits with as many parts at every hook point"
            draws = by_draw.mean(1) / one.total.mean()
            null = Null.from_draws(shares[at].value, draws, description=words, side="above")
            shares[at] = shares[at].against(null)
            if at == size:
                random = found.ratio(by_draw.mean(0), one.metric, name=f"{one.direction}: random circuits", rng=rng)
    return OneWay(
        curve=one,
        faithfulness=shares,
        chosen=shares[size],
        random=random,
        cpr=one.cpr(rng=rng),
        cmd=one.cmd(rng=rng),
    )
